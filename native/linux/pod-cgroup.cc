#include "pod-cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "handle.h"
#include "system-error.h"

namespace hotplugd {
namespace {

// How far below the root a kubelet's own begin at most: it may have been given a root of its own.
constexpr int kAboveKubepods = 2;

// Of version 1 that of the devices first, since its rules are wanted; with version 2 beside it pods are in the former.
constexpr std::array kHierarchies{"/devices", "/pids", "/systemd", "/memory", "", "/unified"};

bool endsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::vector<std::string> directoriesIn(const std::string& path) {
  std::vector<std::string> names;
  const Handle<DIR, ::closedir> entries(::opendir(path.c_str()));
  if (!entries) return names;
  while (const auto* entry = ::readdir(entries.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

std::string withoutSlice(const std::string& name) {
  return endsWith(name, ".slice") ? name.substr(0, name.size() - 6) : name;
}

// kubepods, kubelet-kubepods.slice
bool isKubepods(const std::string& name) {
  const auto stem = withoutSlice(name);
  return stem == "kubepods" || endsWith(stem, "-kubepods");
}

// burstable, kubepods-besteffort.slice
bool isQualityClass(const std::string& name) {
  const auto stem = withoutSlice(name);
  return stem == "burstable" || stem == "besteffort" || endsWith(stem, "kubepods-burstable") ||
         endsWith(stem, "kubepods-besteffort");
}

// pod24f593ab-e76e-…, kubepods-burstable-pod24f593ab_e76e_….slice
bool isPod(const std::string& name, const std::string& uid) {
  if (name == "pod" + uid) return true;
  auto escaped = uid;
  std::replace(escaped.begin(), escaped.end(), '-', '_');
  return endsWith(name, "-pod" + escaped + ".slice");
}

// Services and sessions: nothing of a kubelet is in there, but hundreds of others.
bool isOfOthers(const std::string& name) { return name == "system.slice" || name == "user.slice"; }

std::optional<std::string> findInKubepods(const std::string& path, const std::string& uid) {
  for (const auto& name : directoriesIn(path)) {
    const auto below = path + "/" + name;
    if (isPod(name, uid)) return below;
    if (!isQualityClass(name)) continue;
    for (const auto& pod : directoriesIn(below)) {
      if (isPod(pod, uid)) return below + "/" + pod;
    }
  }
  return std::nullopt;
}

std::optional<std::string> findBelow(const std::string& path, const std::string& uid, int deeper) {
  const auto names = directoriesIn(path);
  for (const auto& name : names) {
    auto found = isKubepods(name) ? findInKubepods(path + "/" + name, uid) : std::nullopt;
    if (found) return found;
  }
  if (deeper == 0) return std::nullopt;
  for (const auto& name : names) {
    if (isKubepods(name) || isOfOthers(name)) continue;
    auto found = findBelow(path + "/" + name, uid, deeper - 1);
    if (found) return found;
  }
  return std::nullopt;
}

bool isVersion2(const std::string& hierarchy) {
  return ::access((hierarchy + "/cgroup.controllers").c_str(), F_OK) == 0;
}

void addBelow(const std::string& directory, std::vector<std::string>& all) {
  all.push_back(directory);
  for (const auto& name : directoriesIn(directory)) addBelow(directory + "/" + name, all);
}

std::string wholeText(const Fd& file, const std::string& path) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const auto length = ::read(file.get(), buffer.data(), buffer.size());
    // Gone meanwhile, or threaded: then its processes are those of the domain above it.
    if (length < 0 && (errno == ENODEV || errno == EOPNOTSUPP)) return "";
    if (length < 0) fail("read", path);
    if (length == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(length));
  }
}

}  // namespace

std::optional<PodCgroup> findPodCgroup(const std::string& root, const std::string& podUid) {
  for (const auto* name : kHierarchies) {
    const auto hierarchy = root + name;
    if (::access((hierarchy + "/cgroup.procs").c_str(), F_OK) != 0) continue;
    auto found = findBelow(hierarchy, podUid, kAboveKubepods);
    if (found) return PodCgroup{isVersion2(hierarchy) ? 2 : 1, std::move(*found)};
  }
  return std::nullopt;
}

std::vector<std::string> cgroupsBelow(const std::string& directory) {
  std::vector<std::string> all;
  if (::access(directory.c_str(), F_OK) == 0) addBelow(directory, all);
  return all;
}

std::vector<pid_t> processesIn(const std::string& directory) {
  const auto path = directory + "/cgroup.procs";
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno != ENOENT && errno != ENODEV) fail("open", path);
  if (!file) return {};
  const auto text = wholeText(file, path);
  std::vector<pid_t> pids;
  for (const char* at = text.data(); at < text.data() + text.size();) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, text.data() + text.size(), pid);
    // 0 stands for a process of another pid namespace.
    if (parsed.ec == std::errc() && pid > 0) pids.push_back(pid);
    at = std::max(parsed.ptr, at) + 1;
  }
  return pids;
}

std::vector<CgroupMember> membersBelow(const std::string& directory) {
  std::vector<CgroupMember> members;
  for (const auto& cgroup : cgroupsBelow(directory)) {
    for (const auto pid : processesIn(cgroup)) members.push_back({pid, cgroup});
  }
  return members;
}

}  // namespace hotplugd
