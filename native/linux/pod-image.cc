#include "pod-image.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor.h"
#include "device.h"
#include "refusal.h"
#include "system-error.h"

namespace hotplugd {
namespace {

constexpr const char* kImageName = "disk.img";

// Nothing is followed and no mount is crossed.
Fd openEntry(const Fd& volume, const std::string& volumeName, const std::string& path) {
  try {
    return openPathBeneath(volume, kImageName);
  } catch (const SystemError& error) {
    if (error.number == ENOENT) throw Refusal{"missing", volumeName, kImageName};
    if (error.number == EXDEV) throw Refusal{"unsafe", path, "mount point"};
    throw;
  }
}

bool mayRead(const struct stat& status, const PodFileOwner& owner) {
  if (status.st_uid == owner.user) return (status.st_mode & S_IRUSR) != 0;
  if (status.st_gid == owner.group) return (status.st_mode & S_IRGRP) != 0;
  return (status.st_mode & S_IROTH) != 0;
}

}  // namespace

bool isFile(const struct stat& status, const FileNumber& number) {
  return S_ISREG(status.st_mode) && status.st_dev == number.filesystem && status.st_ino == number.inode;
}

Fd openDiskImage(const Fd& volume, const std::string& volumeName, struct stat& status) {
  const auto path = volumeName + "/" + kImageName;
  auto image = openEntry(volume, volumeName, path);
  status = statOf(image, path);
  if (!S_ISREG(status.st_mode)) refuseUnsafe(image, status, path);
  if (status.st_size == 0) throw Refusal{"empty", path, kindOf(status.st_mode)};
  return image;
}

void giveTo(const Fd& proven, const struct stat& status, const PodFileOwner& owner) {
  if (status.st_uid == owner.user && status.st_gid == owner.group) return;
  if (::fchownat(proven.get(), "", owner.user, owner.group, AT_EMPTY_PATH) == 0) return;
  const bool isRefused = errno == EROFS || errno == EPERM || errno == EACCES;
  if (!isRefused || !mayRead(status, owner)) fail("fchownat", std::to_string(owner.user));
}

}  // namespace hotplugd
