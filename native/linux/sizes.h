// Sizes of plugged sources, again and again.
#pragma once

#include <string>
#include <vector>

#include "launcher-directory.h"
#include "loop.h"
#include "sysfs.h"

namespace hotplugd {

struct SizeQuestion {
  std::string path;
  bool isBlock = false;
  // A block device's number, or the file's file system.
  dev_t device = 0;
  ino_t inode = 0;
};

struct SizeAnswer {
  enum class Kind { Known, Gone, WouldWait } kind;
  std::uint64_t bytes = 0;
};

// A number, null for gone, undefined for would wait.
Napi::Value toJs(Napi::Env env, const SizeAnswer& answer);

// On the event loop: never waits for a server. Files of file systems not known to be local are `WouldWait`.
SizeAnswer sizeWithoutWaiting(const SizeQuestion& question, const Sysfs& sysfs);
// On the pool: asks whatever the file lies on, and learns whether that is local.
SizeAnswer sizeOfFile(const SizeQuestion& question);
// On the pool: of images in a launcher's directory, `path` being the name there. Those that may have to wait for a server are
// `WouldWait`, so that none of them keeps the others waiting. Throws as openFromLauncher does.
std::vector<SizeAnswer> sizesInLauncher(const PlaceInPod& launcher, const LauncherDirectory& directory,
                                        const std::vector<SizeQuestion>& questions);

}  // namespace hotplugd
