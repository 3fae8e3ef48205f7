//===- Options.h - A command's options --------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A table of what may follow a command's name, from which both the parser and
// the help page come. llvm::cl is not used because its options are global to
// the process: every library linked in adds its own, and sub-commands share
// them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_DRIVER_OPTIONS_H
#define MOEC_DRIVER_OPTIONS_H

#include "moec/Support/Error.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moec::driver {

/// A command line that makes no sense; the exit code is 2.
class UsageError final : public llvm::ErrorInfo<UsageError> {
public:
  static char ID;

  explicit UsageError(std::string message) : text(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  std::string text;
};

template <typename... Args>
llvm::Error usageError(fmt::format_string<Args...> format, Args &&...args) {
  return llvm::make_error<UsageError>(
      fmt::format(format, std::forward<Args>(args)...));
}

/// The known name closest to `name`, if it looks like a slip of the keyboard;
/// else "".
std::string closestName(llvm::StringRef name,
                        llvm::ArrayRef<std::string> known);

/// What may follow a command's name. Values go to variables that outlive the
/// table; what is not given leaves them as they were.
class OptionTable {
public:
  /// Takes a value; an error says what is wrong with it.
  using Setter = std::function<llvm::Error(llvm::StringRef value)>;

  struct Option {
    std::string name;
    char letter = 0;
    /// What help calls the value; empty for a flag.
    std::string metavar;
    std::string help;
    Setter set;
    /// Shown in the help of every command, at its end.
    bool common = false;

    Option &withLetter(char short_) {
      letter = short_;
      return *this;
    }
    bool isFlag() const { return metavar.empty(); }
  };

  struct Positional {
    std::string name;
    std::string help;
    std::string *target;
    bool given = false;
  };

  /// A required argument without a name.
  void positional(llvm::StringRef name, llvm::StringRef help,
                  std::string &target);
  Option &flag(llvm::StringRef name, llvm::StringRef help, bool &target);
  Option &text(llvm::StringRef name, llvm::StringRef metavar,
               llvm::StringRef help, std::string &target);
  Option &text(llvm::StringRef name, llvm::StringRef metavar,
               llvm::StringRef help, std::optional<std::string> &target);
  /// A whole number in [minimum, maximum].
  Option &number(llvm::StringRef name, llvm::StringRef metavar,
                 llvm::StringRef help, std::optional<int64_t> &target,
                 int64_t minimum,
                 int64_t maximum = std::numeric_limits<int64_t>::max());
  /// Whole numbers in [minimum, maximum], and ranges of them like 3-5, with
  /// commas between, at least one.
  Option &list(llvm::StringRef name, llvm::StringRef help,
               std::vector<int64_t> &target, int64_t minimum, int64_t maximum);
  /// One of `values`.
  Option &choice(llvm::StringRef name, llvm::StringRef help,
                 std::vector<std::string> values, std::string &target);
  Option &custom(llvm::StringRef name, llvm::StringRef metavar,
                 llvm::StringRef help, Setter set);

  /// Takes --name=value, --name value, -o value, -o=value, -ovalue, flags,
  /// positional arguments and "--", after which all are positional. Fails with
  /// UsageError.
  llvm::Error parse(llvm::ArrayRef<llvm::StringRef> arguments);

  llvm::ArrayRef<Option> options() const { return table; }
  llvm::ArrayRef<Positional> positionals() const { return places; }

  /// Marks the options added so far as those that every command has.
  void endCommon();

private:
  llvm::Error parseLong(llvm::StringRef text,
                        llvm::ArrayRef<llvm::StringRef> &rest);
  llvm::Error parseShort(llvm::StringRef text,
                         llvm::ArrayRef<llvm::StringRef> &rest);
  llvm::Error takePositional(llvm::StringRef value);
  llvm::Error apply(const Option &option, llvm::StringRef shownAs,
                    std::optional<llvm::StringRef> value,
                    llvm::ArrayRef<llvm::StringRef> &rest);
  llvm::Error unknown(llvm::StringRef shownAs, llvm::StringRef name) const;

  std::vector<Option> table;
  std::vector<Positional> places;
};

/// A whole number in decimal, with an optional sign; none if it is anything
/// else or does not fit.
std::optional<int64_t> parseInteger(llvm::StringRef text);

} // namespace moec::driver

#endif // MOEC_DRIVER_OPTIONS_H
