// Disk images of pods, found and exposed.
#pragma once

#include <sys/types.h>

#include "process-of-pod.h"

namespace hotplugd {

struct FileNumber {
  dev_t filesystem;
  ino_t inode;
};

bool isFile(const struct stat& status, const FileNumber& number);

struct PodFileOwner {
  uid_t user;
  gid_t group;
};

// The disk.img at the root of a volume: a regular file of that very volume that has bytes. Throws Refusal `missing`,
// `unsafe`, `empty`.
Fd openDiskImage(const Fd& volume, const std::string& volumeName, struct stat& status);

// Makes QEMU the owner, unless it may read it already and the file system refuses (read-only, a server's decision).
void giveTo(const Fd& proven, const struct stat& status, const PodFileOwner& owner);

}  // namespace hotplugd
