// A failed system call: its errno by name, the call, and what it was called with.
#pragma once

#include <napi.h>

#include <cerrno>
#include <string>
#include <utility>

namespace hotplugd {

struct SystemError {
  int number;
  std::string call;
  std::string operand;
};

// Throws the present errno.
[[noreturn]] inline void fail(const char* call, std::string operand) {
  throw SystemError{errno, call, std::move(operand)};
}

// `ENOENT`, …
std::string errnoName(int number);

// The JavaScript error: `code` is errno's symbolic name, with `errno`, `syscall` and `path` as in Node's own.
Napi::Value toJs(Napi::Env env, const SystemError& error);

}  // namespace hotplugd
