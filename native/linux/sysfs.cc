#include "sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>

#include "descriptor.h"
#include "device.h"
#include "size-files.h"

namespace hotplugd {
namespace {

std::optional<dev_t> deviceBelow(int directory, const std::string& name) {
  const auto text = readText(directory, (name + "/dev").c_str());
  return text ? parseDevice(*text) : std::nullopt;
}

template <typename Visit>
void eachEntry(int at, const char* name, Visit visit) {
  Fd directory(::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return;
  const Handle<DIR, ::closedir> entries(::fdopendir(directory.release()));
  while (const auto* entry = ::readdir(entries.get())) {
    if (entry->d_name[0] != '.') visit(std::string(entry->d_name));
  }
}

}  // namespace

std::string Sysfs::linkOf(dev_t number) const { return root_ + "/dev/block/" + deviceText(number); }

Fd Sysfs::device(dev_t number) const {
  return Fd(::open(linkOf(number).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::optional<std::uint64_t> Sysfs::sizeBytes(dev_t number) const { return sizeFromKeptFile(linkOf(number) + "/size"); }

std::optional<std::string> Sysfs::diskseq(dev_t number) const {
  const auto directory = device(number);
  if (!directory) return std::nullopt;
  auto own = readText(directory.get(), "diskseq");
  if (own || ::faccessat(directory.get(), "partition", F_OK, 0) != 0) return own;
  return readText(directory.get(), "../diskseq");
}

std::optional<dev_t> Sysfs::parentDisk(dev_t number) const {
  const auto directory = device(number);
  if (!directory || ::faccessat(directory.get(), "partition", F_OK, 0) != 0) return std::nullopt;
  return deviceBelow(directory.get(), "..");
}

std::vector<dev_t> Sysfs::slaves(dev_t number) const {
  std::vector<dev_t> found;
  const auto directory = device(number);
  if (!directory) return found;
  eachEntry(directory.get(), "slaves", [&](const std::string& name) {
    const auto slave = deviceBelow(directory.get(), "slaves/" + name);
    if (slave) found.push_back(*slave);
  });
  return found;
}

std::vector<Fd> Sysfs::boundLoops() const {
  std::vector<Fd> found;
  const Fd block(::open((root_ + "/block").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!block) return found;
  eachEntry(block.get(), ".", [&](const std::string& name) {
    if (name.rfind("loop", 0) != 0) return;
    // The directory `loop` comes and goes with the backing file. Most loop devices of a host have none.
    if (::faccessat(block.get(), (name + "/loop/backing_file").c_str(), F_OK, 0) != 0) return;
    Fd loop(::openat(block.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (loop) found.push_back(std::move(loop));
  });
  return found;
}

}  // namespace hotplugd
