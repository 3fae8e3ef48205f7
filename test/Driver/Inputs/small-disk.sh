# small-disk.sh DIR SIZE COMMAND...: runs the command with a file system of SIZE
# at DIR, says how it ended, and lists what is there. Needs a mount name space:
#   unshare -rm sh small-disk.sh ...
# With SIZE "ro" what is in DIR stays and cannot be written to.
set -e
dir=$1 size=$2
shift 2
if [ "$size" = ro ]; then
  mount --bind "$dir" "$dir"
  mount -o remount,bind,ro "$dir"
else
  mount -t tmpfs -o "size=$size" tmpfs "$dir"
fi
code=0
"$@" || code=$?
echo "exit code $code, in the directory: $(ls -A "$dir")"
