// Files that survive power loss.
#pragma once

#include <sys/types.h>

#include <string>

namespace hotplugd {

struct DurableFile {
  std::string path;
  // A name in the same directory that nobody else takes.
  std::string aside;
  std::string bytes;
  mode_t mode;
};

// On the pool: written aside, fsynced, renamed, directory fsynced. After an error nothing is left aside, and the path holds
// the whole old or the whole new bytes.
void replaceDurably(const DurableFile& file);
// On the pool: unlinked, directory fsynced. An absent file is fine.
void unlinkDurably(const std::string& path);

}  // namespace hotplugd
