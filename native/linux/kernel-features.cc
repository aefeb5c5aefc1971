#include "kernel-features.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "system-error.h"

namespace hotplugd {
namespace {

constexpr int NO_FD = -1;

// Each call names a descriptor that cannot be, so nothing is opened, mounted or entered, and the errno tells how far it got.
std::string outcome(long result) { return result < 0 ? errnoName(errno) : "done"; }

std::string tryOpenat2() {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return outcome(::syscall(SYS_openat2, NO_FD, "x", &how, sizeof how));
}

std::string tryStatx() {
  struct statx answer {};
  return outcome(::statx(NO_FD, "x", 0, STATX_BASIC_STATS, &answer));
}

std::string tryBpf() {
  bpf_attr question{};
  question.query.target_fd = static_cast<__u32>(NO_FD);
  question.query.attach_type = BPF_CGROUP_DEVICE;
  return outcome(::syscall(SYS_bpf, BPF_PROG_QUERY, &question, sizeof question));
}

}  // namespace

Napi::Value kernelFeatures(const Napi::CallbackInfo& info) {
  auto answers = Napi::Object::New(info.Env());
  answers.Set("openat2", tryOpenat2());
  answers.Set("statx", tryStatx());
  answers.Set("setns", outcome(::setns(NO_FD, 0)));
  answers.Set("open_tree", outcome(::syscall(SYS_open_tree, NO_FD, "x", 0)));
  answers.Set("move_mount", outcome(::syscall(SYS_move_mount, NO_FD, "x", NO_FD, "y", 0)));
  answers.Set("bpf", tryBpf());
  return answers;
}

}  // namespace hotplugd
