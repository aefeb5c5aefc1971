#include "system-error.h"

#include <cstring>

namespace hotplugd {

std::string errnoName(int number) {
  const char* name = strerrorname_np(number);
  return name != nullptr ? name : "E" + std::to_string(number);
}

Napi::Value toJs(Napi::Env env, const SystemError& error) {
  const auto code = errnoName(error.number);
  const auto message = code + ": " + strerrordesc_np(error.number) + ", " + error.call + " '" + error.operand + "'";
  auto value = Napi::Error::New(env, message).Value();
  value.Set("code", code);
  value.Set("errno", -error.number);
  value.Set("syscall", error.call);
  value.Set("path", error.operand);
  return value;
}

}  // namespace hotplugd
