// The libvirt addon. Safe to load in several environments at once: all state is per environment, but libvirt's own.
#include <napi.h>

#include <memory>

#include "connection.h"
#include "loop.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new std::shared_ptr<hotplugd::Loop>(hotplugd::Loop::create(env)));
  exports.Set("Connection", hotplugd::Connection::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(hotplugd_libvirt, init)
