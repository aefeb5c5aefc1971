#include "session.h"

#include <fcntl.h>
#include <libvirt/virterror.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "error.h"
#include "handle.h"
#include "thread.h"

namespace hotplugd {

namespace {

// struct sockaddr_un has room for 107 characters; the descriptor's own path is always short.
std::string uriOf(const SessionOptions& options, Fd& socket) {
  if (options.socketPath.empty()) return options.uri;
  socket = Fd(::open(options.socketPath.c_str(), O_PATH | O_CLOEXEC));
  if (!socket) {
    throw LibvirtError("VIR_ERR_NO_CONNECT",
                       "cannot reach socket " + options.socketPath + ": " + std::strerror(errno), true);
  }
  const char separator = options.uri.find('?') == std::string::npos ? '?' : '&';
  return options.uri + separator + "socket=/proc/self/fd/" + std::to_string(socket.get());
}

void keepAlive(virConnectPtr connection, const SessionOptions& options) {
  // Drivers inside this process have no keepalive, and need none.
  const bool off = virConnectSetKeepAlive(connection, options.keepAliveIntervalS, options.keepAliveCount) != 0;
  if (off) virResetLastError();
}

}  // namespace

Session::Session(SessionOptions options, EventSink sink) : options_(std::move(options)), sink_(std::move(sink)) {}

void Session::connect() {
  Fd socket;
  const auto uri = uriOf(options_, socket);
  virResetLastError();
  auto* const opened = checked(virConnectOpenAuth(uri.c_str(), nullptr, 0));
  connection_ = opened;
  keepAlive(opened, options_);
  hearLoss(opened, sink_);
  // A loss before the line above is told to nobody.
  if (checked(virConnectIsAlive(opened)) == 0) {
    throw LibvirtError("HOTPLUGD_CONNECTION_LOST", "the connection was lost at once", true);
  }
  if (options_.events) hear(opened, sink_, callbacks_);
}

bool Session::enqueue(Job job) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  jobs_.push_back(std::move(job));
  changed_.notify_one();
  if (idle_ < static_cast<int>(jobs_.size()) && threads_ < kCallsInFlight) addThread();
  return true;
}

void Session::addThread() {
  try {
    spawnDetached("libvirt-call", [self = shared_from_this()] { self->work(); });
    ++threads_;
  } catch (const std::system_error& error) {
    // The system has no thread to give: those that are there will do.
    if (threads_ > 0) return;
    jobs_.pop_back();
    throw LibvirtError("HOTPLUGD_NO_THREAD", error.what());
  }
}

bool Session::next(Job& job) {
  std::unique_lock lock(mutex_);
  ++idle_;
  changed_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
  --idle_;
  if (closed_) return false;
  job = std::move(jobs_.front());
  jobs_.pop_front();
  return true;
}

void Session::work() {
  Job job;
  while (next(job)) {
    virResetLastError();
    job(connection_);
    job = nullptr;
  }
  leave();
}

void Session::leave() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (--threads_ > 0) return;
  }
  auto* const open = connection_.exchange(nullptr);
  if (open == nullptr) return;
  // Each callback holds a reference to the connection; left in place they would keep it open for ever.
  deafen(open, callbacks_);
  deafenLoss(open);
  virConnectClose(open);
}

void Session::close() noexcept {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(jobs_);
    changed_.notify_all();
  }
}

}  // namespace hotplugd
