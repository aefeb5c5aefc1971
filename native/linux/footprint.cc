#include "footprint.h"

#include "device.h"
#include "loop-backing.h"

namespace hotplugd {
namespace {

// Stacks are a few levels deep; the bound only guards against a tree that contradicts itself.
constexpr int kDeepest = 32;

Footprint stack(const Sysfs& sysfs, dev_t device, int depth);

void standOn(Footprint& upper, const Footprint& lower) {
  upper.below.insert(lower.same.begin(), lower.same.end());
  upper.below.insert(lower.below.begin(), lower.below.end());
  upper.isComplete &= lower.isComplete;
}

void beTheSame(Footprint& one, const Footprint& other) {
  one.same.insert(other.same.begin(), other.same.end());
  one.below.insert(other.below.begin(), other.below.end());
  one.isComplete &= other.isComplete;
}

Footprint loopPrint(const Sysfs& sysfs, const LoopBacking& backing, int depth) {
  Footprint print;
  print.same.insert(blockKey(backing.loop));
  print.isComplete = backing.known;
  if (!backing.known) return print;
  if (backing.blockDevice == 0) print.same.insert(inodeKey(backing.filesystem, backing.inode));
  else beTheSame(print, stack(sysfs, backing.blockDevice, depth - 1));
  return print;
}

Footprint stack(const Sysfs& sysfs, dev_t device, int depth) {
  Footprint print;
  print.same.insert(blockKey(device));
  if (depth == 0) return print;
  if (isLoop(device)) {
    const auto directory = sysfs.device(device);
    const auto backing = directory ? loopBacking(directory) : std::nullopt;
    return backing ? loopPrint(sysfs, *backing, depth) : print;
  }
  const auto parent = sysfs.parentDisk(device);
  if (parent) standOn(print, stack(sysfs, *parent, depth - 1));
  for (const auto slave : sysfs.slaves(device)) standOn(print, stack(sysfs, slave, depth - 1));
  return print;
}

Napi::Array renderKeys(Napi::Env env, const std::set<std::string>& keys) {
  auto list = Napi::Array::New(env, keys.size());
  std::uint32_t index = 0;
  for (const auto& key : keys) list.Set(index++, key);
  return list;
}

}  // namespace

Footprint footprintOfDevice(const Sysfs& sysfs, dev_t device) { return stack(sysfs, device, kDeepest); }

Footprint footprintOfLoop(const Sysfs& sysfs, const LoopBacking& backing) {
  return loopPrint(sysfs, backing, kDeepest);
}

Footprint footprintOfFile(dev_t filesystem, ino_t inode) { return {{inodeKey(filesystem, inode)}, {}, true}; }

Napi::Value Footprint::render(Napi::Env env) const {
  auto value = Napi::Object::New(env);
  value.Set("same", renderKeys(env, same));
  value.Set("below", renderKeys(env, below));
  return value;
}

}  // namespace hotplugd
