#include "pod-processes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <set>

#include "pod-cgroup.h"
#include "process-of-pod.h"
#include "system-error.h"

namespace hotplugd {
namespace {

struct Owner {
  uid_t user;
  gid_t group;
};

struct Described {
  ProcessOfPod process;
  std::string name;
  std::optional<Owner> owner;
  std::optional<std::string> mountinfo;
  Fd directory;
};

// Nothing if the process is gone.
std::optional<std::string> textBelow(const Fd& process, const char* name) {
  const Fd file(::openat(process.get(), name, O_RDONLY | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ESRCH)) return std::nullopt;
  if (!file) fail("openat", name);
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const auto length = ::read(file.get(), buffer.data(), buffer.size());
    if (length < 0 && (errno == ESRCH || errno == EINVAL)) return std::nullopt;
    if (length < 0) fail("read", name);
    if (length == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(length));
  }
}

// The fourth number is the one that access to files goes by.
std::optional<unsigned> fileSystemId(const std::string& status, const char* key) {
  const auto at = status.find(key);
  unsigned real, effective, saved, forFiles;
  if (at == std::string::npos) return std::nullopt;
  const int count = std::sscanf(status.c_str() + at + 5, "%u %u %u %u", &real, &effective, &saved, &forFiles);
  return count == 4 ? std::optional(forFiles) : std::nullopt;
}

std::optional<Owner> ownerOf(const Fd& process) {
  const auto status = textBelow(process, "status");
  if (!status) return std::nullopt;
  const auto user = fileSystemId(*status, "\nUid:");
  const auto group = fileSystemId(*status, "\nGid:");
  if (!user || !group) return std::nullopt;
  return Owner{*user, *group};
}

std::optional<Described> describe(const PodQuestion& question, const CgroupMember& member) {
  const ProcessQuestion unproven{question.procRoot, member.pid, ""};
  auto directory = openProcess(unproven);
  const auto condition = directory ? conditionOf(directory.get()) : std::nullopt;
  if (!condition || condition->hasEnded()) return std::nullopt;
  const ProcessOfPod wanted{{question.procRoot, member.pid, condition->startTime}, member.cgroup};
  return Described{wanted, condition->name, std::nullopt, std::nullopt, std::move(directory)};
}

bool isQemu(const std::string& name) { return name.rfind("qemu", 0) == 0; }

std::optional<ino_t> namespaceNumber(const Fd& process) {
  struct stat status {};
  if (::fstatat(process.get(), "ns/mnt", &status, 0) == 0) return status.st_ino;
  if (errno == ENOENT || errno == ESRCH) return std::nullopt;
  fail("fstatat", "ns/mnt");
}

bool isOlder(const Described& one, const Described& other) {
  const auto& a = one.process.process;
  const auto& b = other.process.process;
  if (a.startTime.size() != b.startTime.size()) return a.startTime.size() < b.startTime.size();
  return a.startTime != b.startTime ? a.startTime < b.startTime : a.pid < b.pid;
}

std::vector<Described> describeAll(const PodQuestion& question, const std::string& cgroup) {
  std::vector<Described> all;
  for (const auto& member : membersBelow(cgroup)) {
    auto one = describe(question, member);
    if (one) all.push_back(std::move(*one));
  }
  std::sort(all.begin(), all.end(), isOlder);
  std::set<ino_t> seen;
  for (auto& one : all) {
    if (isQemu(one.name)) one.owner = ownerOf(one.directory);
    const auto number = namespaceNumber(one.directory);
    if (number && seen.insert(*number).second) one.mountinfo = textBelow(one.directory, "mountinfo");
    one.directory = Fd();
  }
  return all;
}

template <typename Value>
Napi::Value orNull(Napi::Env env, const std::optional<Value>& value) {
  return value ? Napi::Value::From(env, *value) : env.Null();
}

Napi::Value render(Napi::Env env, const Described& one) {
  auto value = Napi::Object::New(env);
  value.Set("pid", one.process.process.pid);
  value.Set("startTime", one.process.process.startTime);
  value.Set("cgroup", one.process.cgroup);
  value.Set("name", one.name);
  value.Set("user", one.owner ? Napi::Number::New(env, one.owner->user) : env.Null());
  value.Set("group", one.owner ? Napi::Number::New(env, one.owner->group) : env.Null());
  value.Set("mountinfo", orNull(env, one.mountinfo));
  return value;
}

Napi::Value nothing(Napi::Env env) { return env.Null(); }

}  // namespace

Render processesOfPod(const PodQuestion& question) {
  const auto cgroup = findPodCgroup(question.cgroupRoot, question.podUid);
  return [members = cgroup ? membersBelow(cgroup->directory) : std::vector<CgroupMember>()](Napi::Env env) -> Napi::Value {
    auto pids = Napi::Array::New(env, members.size());
    for (std::uint32_t index = 0; index < members.size(); ++index) pids.Set(index, members[index].pid);
    return pids;
  };
}

Render describePod(const PodQuestion& question) {
  const auto cgroup = findPodCgroup(question.cgroupRoot, question.podUid);
  if (!cgroup) return nothing;
  auto all = std::make_shared<std::vector<Described>>(describeAll(question, cgroup->directory));
  return [cgroup = *cgroup, all](Napi::Env env) -> Napi::Value {
    auto processes = Napi::Array::New(env, all->size());
    for (std::uint32_t index = 0; index < all->size(); ++index) processes.Set(index, render(env, (*all)[index]));
    auto value = Napi::Object::New(env);
    value.Set("version", cgroup.version);
    value.Set("directory", cgroup.directory);
    value.Set("processes", processes);
    return value;
  };
}

}  // namespace hotplugd
