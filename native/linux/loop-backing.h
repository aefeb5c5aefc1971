// What a loop device stands for.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "handle.h"

namespace hotplugd {

struct LoopBacking {
  dev_t loop = 0;
  // False: the kernel did not say (in time); then only `path` is known, which may be of another mount namespace.
  bool known = false;
  dev_t filesystem = 0;
  ino_t inode = 0;
  // The block device, if the backing "file" is one; else 0.
  dev_t blockDevice = 0;
  std::string path;
};

bool isLoop(dev_t device);

// From the loop device's directory in sysfs; nothing if it has no backing file. The kernel is asked once for each
// diskseq, a number that no two disks of one boot share. A loop device whose answer hangs (its file is on a dead
// server) hangs the first caller only; the others get `known: false`, the second one after a moment.
std::optional<LoopBacking> loopBacking(const Fd& directory);

}  // namespace hotplugd
