#include "arguments.h"

#include <charconv>

namespace hotplugd {

std::string text(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

dev_t device(const Napi::Value& value) {
  const auto parsed = parseDevice(text(value));
  if (!parsed) throw SystemError{EINVAL, "parse", text(value)};
  return *parsed;
}

ino_t inode(const Napi::Value& value) {
  const auto digits = text(value);
  ino_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc()) throw SystemError{EINVAL, "parse", digits};
  return number;
}

}  // namespace hotplugd
