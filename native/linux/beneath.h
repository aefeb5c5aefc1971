// Going down below a directory that a tenant may change at any moment, one proven step after the other.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "handle.h"

namespace hotplugd {

// The names on the way down, none of them empty, `.`, `..` or with a slash.
using Steps = std::vector<std::string>;

// What lies at the end; it may be anything but a link. Nothing is followed, mounts are crossed. Throws Refusal
// `missing` or `unsafe` with the first step that is not what it should be.
Fd descend(const Fd& directory, const Steps& steps);
// The same, for an end that has to be a directory.
Fd descendToDirectory(const Fd& directory, const Steps& steps);
// One entry, a link itself; an invalid descriptor if there is none.
Fd entryBelow(const Fd& directory, const std::string& name);
// Throws Refusal `unsafe` that tells what was found there, and where it points.
[[noreturn]] void refuseUnsafe(const Fd& found, const struct stat& status, const std::string& path);
// Names in a directory, without those that begin with a dot.
std::vector<std::string> namesBelow(const Fd& directory);

// The number under which mountinfo lists the mount that a descriptor lies on.
std::uint64_t mountIdOf(const Fd& fd);

}  // namespace hotplugd
