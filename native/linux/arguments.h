// Arguments from JavaScript, which has validated them already, and the form in which acts are offered to it.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "device.h"
#include "system-error.h"

namespace hotplugd {

std::string text(const Napi::Value& value);
dev_t device(const Napi::Value& value);
ino_t inode(const Napi::Value& value);

template <typename Item, typename Convert>
std::vector<Item> listOf(const Napi::Value& value, Convert convert) {
  const auto list = value.As<Napi::Array>();
  std::vector<Item> items;
  items.reserve(list.Length());
  for (std::uint32_t index = 0; index < list.Length(); ++index) items.push_back(convert(list.Get(index)));
  return items;
}

// Errors thrown on the event loop take the same form as those of acts.
template <Napi::Value (*Act)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return Act(info);
  } catch (const SystemError& error) {
    throw Napi::Error(info.Env(), toJs(info.Env(), error));
  }
}

template <Napi::Value (*Act)(const Napi::CallbackInfo&)>
void offer(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(exports.Env(), guarded<Act>, name));
}

}  // namespace hotplugd
