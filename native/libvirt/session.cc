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

constexpr std::size_t kMostDomains = 1024;

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
  connection_ = checked(virConnectOpenAuth(uri.c_str(), nullptr, 0));
  keepAlive(connection_, options_);
  hearLoss(connection_, sink_);
  // A loss before the line above is told to nobody.
  if (checked(virConnectIsAlive(connection_)) == 0) {
    throw LibvirtError("HOTPLUGD_CONNECTION_LOST", "the connection was lost at once", true);
  }
  if (options_.events) hear(connection_, sink_, callbacks_);
}

DomainHandle Session::domain(const std::string& uuid) {
  if (domains_.size() >= kMostDomains) domains_.clear();
  auto& known = domains_[uuid];
  if (!known) known = domainWithUuid(connection_, uuid);
  return known;
}

bool Session::enqueue(Job job) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  if (!started_) startThread();
  jobs_.push_back(std::move(job));
  changed_.notify_one();
  return true;
}

void Session::startThread() {
  try {
    spawnDetached("libvirt-call", [self = shared_from_this()] { self->work(); });
    started_ = true;
  } catch (const std::system_error& error) {
    throw LibvirtError("HOTPLUGD_NO_THREAD", error.what());
  }
}

bool Session::next(Job& job) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
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
  disconnect();
}

void Session::disconnect() noexcept {
  if (connection_ == nullptr) return;
  // Each callback holds a reference to the connection; left in place they would keep it open for ever.
  deafen(connection_, callbacks_);
  deafenLoss(connection_);
  domains_.clear();
  virConnectClose(connection_);
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
