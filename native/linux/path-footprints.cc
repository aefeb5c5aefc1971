#include "path-footprints.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "device.h"
#include "footprint.h"
#include "loop-backing.h"

namespace hotplugd {
namespace {

std::optional<Footprint> footprintOf(const struct stat& status, const Sysfs& sysfs) {
  if (S_ISBLK(status.st_mode)) return footprintOfDevice(sysfs, status.st_rdev);
  if (S_ISREG(status.st_mode)) return footprintOfFile(status.st_dev, status.st_ino);
  return std::nullopt;
}

std::optional<Footprint> footprintOfPath(const std::string& path, const Sysfs& sysfs) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? footprintOf(status, sysfs) : std::nullopt;
}

std::optional<Footprint> footprintInRoot(const Fd& root, const std::string& path, const Sysfs& sysfs) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const Fd found(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  struct stat status {};
  return found && ::fstat(found.get(), &status) == 0 ? footprintOf(status, sysfs) : std::nullopt;
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

Render footprintsInPod(const ProcessOfPod& wanted, const std::vector<std::string>& paths, const Sysfs& sysfs) {
  const auto process = openProcessOfPod(wanted);
  const auto root = rootOf(process);
  std::vector<std::optional<Footprint>> prints;
  for (const auto& path : paths) prints.push_back(footprintInRoot(root, path, sysfs));
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
