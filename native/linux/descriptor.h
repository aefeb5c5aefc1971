// Opening things so that what was proven of them stays true: everything goes on from a descriptor.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "handle.h"

namespace hotplugd {

// The object itself, neither read nor written: opening has no side effect whatever it is. Links are followed.
Fd openPathFollowingLinks(const std::string& path);
// The same, but a link in the last component is opened itself.
Fd openPathNotLast(const std::string& path);
// An entry directly below a directory. Nothing is followed and no mount is crossed; a link is opened itself.
Fd openPathBeneath(const Fd& directory, const char* name);
// Opens what an O_PATH descriptor stands for. Only for what fstat proved a regular file or a block device.
Fd reopenProven(const Fd& path, int flags);

struct stat statOf(const Fd& fd, const std::string& operand);
// Where an O_PATH descriptor of a link points.
std::string linkTarget(const Fd& link);
// The object's present path, without links.
std::string pathOf(const Fd& fd);
// Throws ESTALE if the name does not lead to what was proven (any more). flags: AT_SYMLINK_NOFOLLOW, or 0.
void proveName(const std::string& name, const struct stat& proven, int flags);

// A small text below a directory, one trailing newline off; nothing if it cannot be read.
std::optional<std::string> readText(int directory, const char* name);

}  // namespace hotplugd
