#include "node-lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "act.h"
#include "descriptor.h"
#include "handle.h"
#include "pool.h"
#include "system-error.h"

namespace hotplugd {
namespace {

// Interrupts flock; its handler does nothing. The highest but two: nobody's convention.
int interrupt() { return SIGRTMAX - 2; }

Fd openLock(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd) fail("open", path);
  if (!S_ISREG(statOf(fd, path).st_mode)) throw SystemError{EINVAL, "open", path};
  return fd;
}

// A lock on a file that was unlinked or replaced keeps nobody out.
bool isStillThere(const Fd& lock, const std::string& path) {
  const auto own = statOf(lock, path);
  struct stat there {};
  return ::lstat(path.c_str(), &there) == 0 && there.st_dev == own.st_dev && there.st_ino == own.st_ino;
}

void signWithPid(const Fd& lock, const std::string& path) {
  const auto text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.get(), 0) != 0) fail("ftruncate", path);
  if (::pwrite(lock.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) fail("pwrite", path);
}

int holderOf(const Fd& lock) {
  char text[32];
  const auto length = ::pread(lock.get(), text, sizeof text, 0);
  int pid = 0;
  if (length > 0) std::from_chars(text, text + length, pid);
  return pid;
}

// The wait of one thread, and the way to end it from another.
struct Wait {
  std::mutex mutex;
  bool cancelled = false;
  bool blocked = false;
  pthread_t thread{};
};

void installInterrupt() {
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    return ::sigaction(interrupt(), &action, nullptr) == 0;
  }();
  if (!installed) fail("sigaction", "SIGRTMAX-2");
}

bool enter(Wait& wait) {
  const std::lock_guard lock(wait.mutex);
  wait.thread = ::pthread_self();
  wait.blocked = !wait.cancelled;
  return wait.blocked;
}

bool leave(Wait& wait) {
  const std::lock_guard lock(wait.mutex);
  wait.blocked = false;
  return !wait.cancelled;
}

// The threads of the pool take no signals; this one takes the interrupt while it waits.
void allowInterrupt(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, interrupt());
  ::pthread_sigmask(how, &set, nullptr);
}

int flockInterruptibly(const Fd& fd, Wait& wait) {
  if (!enter(wait)) return ECANCELED;
  allowInterrupt(SIG_UNBLOCK);
  int error = 0;
  do {
    error = ::flock(fd.get(), LOCK_EX) == 0 ? 0 : errno;
  } while (error == EINTR && [&] { const std::lock_guard lock(wait.mutex); return !wait.cancelled; }());
  allowInterrupt(SIG_BLOCK);
  return leave(wait) ? error : ECANCELED;
}

Fd lockWhenFree(const std::string& path, Wait& wait) {
  installInterrupt();
  for (;;) {
    auto fd = openLock(path);
    const int error = flockInterruptibly(fd, wait);
    if (error != 0) throw SystemError{error, "flock", path};
    if (!isStillThere(fd, path)) continue;
    signWithPid(fd, path);
    return fd;
  }
}

// The signal may come just before the thread is in the kernel, so it is sent until the thread is out.
void endWait(const std::shared_ptr<Wait>& wait) {
  for (;;) {
    {
      const std::lock_guard lock(wait->mutex);
      wait->cancelled = true;
      if (!wait->blocked) return;
      ::pthread_kill(wait->thread, interrupt());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// An environment that goes takes its wait along, or the lock would fall to nobody.
void endWithEnvironment(Napi::Env env, const std::weak_ptr<Wait>& waiting) {
  env.AddCleanupHook([waiting] {
    if (const auto wait = waiting.lock()) endWait(wait);
  });
}

// The descriptor is JavaScript's once it was handed over, and closed if nobody is there to take it.
Render handOver(Fd fd) {
  const auto owned = std::make_shared<Fd>(std::move(fd));
  return [owned](Napi::Env env) -> Napi::Value {
    return Napi::Number::New(env, owned->release());
  };
}

}  // namespace

Napi::Value tryNodeLock(const Napi::CallbackInfo& info) {
  const auto path = info[0].As<Napi::String>().Utf8Value();
  auto result = Napi::Object::New(info.Env());
  for (;;) {
    auto fd = openLock(path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail("flock", path);
      result.Set("holder", holderOf(fd));
      return result;
    }
    if (!isStillThere(fd, path)) continue;
    signWithPid(fd, path);
    result.Set("fd", fd.release());
    return result;
  }
}

Napi::Value awaitNodeLock(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto wait = std::make_shared<Wait>();
  const auto path = info[0].As<Napi::String>().Utf8Value();
  auto result = Napi::Object::New(env);
  result.Set("promise", perform(env, [wait, path] { return handOver(lockWhenFree(path, *wait)); }));
  result.Set("cancel", Napi::Function::New(env, [wait](const Napi::CallbackInfo&) { endWait(wait); }));
  endWithEnvironment(env, wait);
  return result;
}

}  // namespace hotplugd
