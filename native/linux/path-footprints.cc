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

template <typename Item, typename RenderItem>
Napi::Array renderList(Napi::Env env, const std::vector<Item>& items, RenderItem renderItem) {
  auto list = Napi::Array::New(env, items.size());
  for (std::uint32_t index = 0; index < items.size(); ++index) list.Set(index, renderItem(env, items[index]));
  return list;
}

Napi::Value renderPrint(Napi::Env env, const std::optional<Footprint>& print) {
  return print ? print->render(env) : env.Null();
}

struct BoundLoop {
  LoopBacking backing;
  Footprint footprint;
};

Napi::Value renderLoop(Napi::Env env, const BoundLoop& loop) {
  auto value = Napi::Object::New(env);
  value.Set("device", deviceText(loop.backing.loop));
  value.Set("backingFile", loop.backing.path);
  value.Set("isKnown", loop.backing.known);
  value.Set("footprint", loop.footprint.render(env));
  return value;
}

std::vector<BoundLoop> boundLoops(const Sysfs& sysfs) {
  std::vector<BoundLoop> loops;
  for (const auto& directory : sysfs.boundLoops()) {
    auto backing = loopBacking(directory);
    if (!backing) continue;
    auto print = footprintOfLoop(sysfs, *backing);
    loops.push_back({std::move(*backing), std::move(print)});
  }
  return loops;
}

}  // namespace

Render footprintsOfPaths(const std::vector<std::string>& paths, const Sysfs& sysfs) {
  std::vector<std::optional<Footprint>> prints;
  for (const auto& path : paths) prints.push_back(footprintOfPath(path, sysfs));
  return [prints = std::move(prints)](Napi::Env env) -> Napi::Value { return renderList(env, prints, renderPrint); };
}

Render footprintsOfHost(const std::vector<dev_t>& devices, const Sysfs& sysfs) {
  std::vector<std::optional<Footprint>> prints;
  for (const auto device : devices) prints.push_back(footprintOfDevice(sysfs, device));
  return [prints = std::move(prints), loops = boundLoops(sysfs)](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("devices", renderList(env, prints, renderPrint));
    value.Set("loops", renderList(env, loops, renderLoop));
    return value;
  };
}

}  // namespace hotplugd
