# Writes OUT, a C++ file that holds families/*.yaml and common-keys.txt of IN.
#   cmake -DIN=<folder> -DOUT=<file> -P EmbedFamilies.cmake
file(GLOB files ${IN}/families/*.yaml)
list(SORT files)
set(entries "")
foreach(path IN LISTS files)
  get_filename_component(name ${path} NAME_WE)
  file(READ ${path} text)
  string(APPEND entries "    {\"${name}\", R\"moec_data(${text})moec_data\"},\n")
endforeach()
file(READ ${IN}/common-keys.txt common)
file(WRITE ${OUT}.new "// Made by EmbedFamilies.cmake.
#include \"EmbeddedFamilies.h\"

static constexpr moec::hf::EmbeddedFile files[] = {
${entries}};

llvm::ArrayRef<moec::hf::EmbeddedFile> moec::hf::embeddedFamilies() {
  return files;
}

llvm::StringRef moec::hf::embeddedCommonKeys() {
  return R\"moec_data(${common})moec_data\";
}
")
file(COPY_FILE ${OUT}.new ${OUT} ONLY_IF_DIFFERENT)
file(REMOVE ${OUT}.new)
