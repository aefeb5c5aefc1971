#include "filesystem.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <mutex>
#include <set>

namespace hotplugd {
namespace {

constexpr unsigned long kXfs = 0x58465342;
constexpr unsigned long kZfs = 0x2fc12fc1;
constexpr unsigned long kBcachefs = 0xca451a4e;

struct Local {
  std::mutex mutex;
  std::set<dev_t> filesystems;
};

Local& local() {
  static auto* const known = new Local;
  return *known;
}

// Closed on purpose: whatever is not named here (NFS, CIFS, FUSE, overlay, …) may have to wait for somebody.
bool isLocal(unsigned long type) {
  switch (type) {
    case EXT4_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case MSDOS_SUPER_MAGIC:
    case EXFAT_SUPER_MAGIC:
    case kXfs:
    case kZfs:
    case kBcachefs: return true;
    default: return false;
  }
}

}  // namespace

void rememberFilesystem(const Fd& fd, dev_t filesystem) {
  struct statfs status {};
  if (::fstatfs(fd.get(), &status) != 0) return;
  auto& known = local();
  const std::lock_guard lock(known.mutex);
  // Device numbers of unmounted file systems are given out again, so a remote one is forgotten as well.
  if (isLocal(static_cast<unsigned long>(status.f_type))) known.filesystems.insert(filesystem);
  else known.filesystems.erase(filesystem);
}

bool isKnownLocal(dev_t filesystem) {
  auto& known = local();
  const std::lock_guard lock(known.mutex);
  return known.filesystems.contains(filesystem);
}

}  // namespace hotplugd
