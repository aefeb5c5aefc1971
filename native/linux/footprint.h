// The devices and inodes that a source stands on (invariant I1).
#pragma once

#include <napi.h>

#include <set>
#include <string>

#include "sysfs.h"

namespace hotplugd {

struct Footprint {
  std::set<std::string> same;
  std::set<std::string> below;
  // False: it stands on a loop device that does not say what it stands for.
  bool isComplete = true;

  Napi::Value render(Napi::Env env) const;
};

Footprint footprintOfDevice(const Sysfs& sysfs, dev_t device);
struct LoopBacking;
Footprint footprintOfLoop(const Sysfs& sysfs, const LoopBacking& backing);
Footprint footprintOfFile(dev_t filesystem, ino_t inode);

}  // namespace hotplugd
