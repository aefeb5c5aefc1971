#include "size-files.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <mutex>

#include "handle.h"

namespace hotplugd {
namespace {

constexpr std::uint64_t kSectorBytes = 512;  // sysfs counts in these, whatever the device's own sector is
// In questions, not in time: an agent with hundreds of volumes asks this often within seconds.
constexpr std::uint64_t kSweepEvery = 4096;

struct Kept {
  Fd file;
  std::uint64_t lastAsked;
};

struct SizeFiles {
  std::mutex mutex;
  std::map<std::string, Kept> kept;
  std::uint64_t questions = 0;
};

SizeFiles& files() {
  static auto* const all = new SizeFiles;
  return *all;
}

std::optional<std::uint64_t> read(const Fd& file) {
  char text[32];
  const auto length = ::pread(file.get(), text, sizeof text, 0);
  std::uint64_t sectors = 0;
  if (length <= 0 || std::from_chars(text, text + length, sectors).ec != std::errc()) return std::nullopt;
  return sectors * kSectorBytes;
}

void sweep(SizeFiles& all) {
  if (++all.questions % kSweepEvery != 0) return;
  std::erase_if(all.kept, [&](const auto& entry) { return entry.second.lastAsked + kSweepEvery < all.questions; });
}

}  // namespace

std::optional<std::uint64_t> sizeFromKeptFile(const std::string& path) {
  auto& all = files();
  const std::lock_guard lock(all.mutex);
  sweep(all);
  const auto known = all.kept.find(path);
  if (known != all.kept.end()) {
    known->second.lastAsked = all.questions;
    if (const auto size = read(known->second.file)) return size;
    all.kept.erase(known);  // its device is gone; another may have come under the number
  }
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = file ? read(file) : std::nullopt;
  if (size) all.kept.insert_or_assign(path, Kept{std::move(file), all.questions});
  return size;
}

}  // namespace hotplugd
