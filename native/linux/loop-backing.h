// What a loop device stands for.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "sysfs.h"

namespace hotplugd {

struct LoopBacking {
  // False: the kernel did not say (in time); then only `path` is known, which may be of another mount namespace.
  bool known = false;
  dev_t filesystem = 0;
  ino_t inode = 0;
  // The block device, if the backing "file" is one; else 0.
  dev_t blockDevice = 0;
  std::string path;
};

bool isLoop(dev_t device);

// Nothing for a loop device without a backing file. The kernel is asked once for each diskseq; a loop device whose
// answer hangs (its file is on a dead server) hangs the first caller only, the others get `known: false`.
std::optional<LoopBacking> loopBacking(const Sysfs& sysfs, dev_t loop);

}  // namespace hotplugd
