#include "path-footprints.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <optional>

#include "device.h"
#include "footprint.h"
#include "loop-backing.h"

namespace hotplugd {
namespace {

std::optional<Footprint> footprintOfPath(const std::string& path, const Sysfs& sysfs) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  if (S_ISBLK(status.st_mode)) return footprintOfDevice(sysfs, status.st_rdev);
  if (S_ISREG(status.st_mode)) return footprintOfFile(status.st_dev, status.st_ino);
  return std::nullopt;
}

Render renderAll(std::vector<std::optional<Footprint>> prints) {
  return [prints = std::move(prints)](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env, prints.size());
    for (std::uint32_t index = 0; index < prints.size(); ++index) {
      list.Set(index, prints[index] ? prints[index]->render(env) : env.Null());
    }
    return list;
  };
}

struct BoundLoop {
  dev_t device;
  std::string name;
  LoopBacking backing;
  Footprint footprint;
};

Napi::Value render(Napi::Env env, const BoundLoop& loop) {
  auto value = Napi::Object::New(env);
  value.Set("device", deviceText(loop.device));
  value.Set("name", loop.name);
  value.Set("backingFile", loop.backing.path);
  value.Set("isKnown", loop.backing.known);
  value.Set("footprint", loop.footprint.render(env));
  return value;
}

}  // namespace

Render footprintsOfPaths(const std::vector<std::string>& paths, const Sysfs& sysfs) {
  std::vector<std::optional<Footprint>> prints;
  for (const auto& path : paths) prints.push_back(footprintOfPath(path, sysfs));
  return renderAll(std::move(prints));
}

Render footprintsOfDevices(const std::vector<dev_t>& devices, const Sysfs& sysfs) {
  std::vector<std::optional<Footprint>> prints;
  for (const auto device : devices) prints.push_back(footprintOfDevice(sysfs, device));
  return renderAll(std::move(prints));
}

Render footprintsOfLoops(const Sysfs& sysfs) {
  std::vector<BoundLoop> loops;
  for (const auto device : sysfs.boundLoops()) {
    auto backing = loopBacking(sysfs, device);
    if (!backing) continue;
    loops.push_back({device, sysfs.nameOf(device), std::move(*backing), footprintOfDevice(sysfs, device)});
  }
  return [loops = std::move(loops)](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env, loops.size());
    for (std::uint32_t index = 0; index < loops.size(); ++index) list.Set(index, render(env, loops[index]));
    return list;
  };
}

}  // namespace hotplugd
