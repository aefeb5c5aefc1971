// The way from any thread back into one JavaScript environment: closures are run on its event loop, promises are
// settled there. Safe at env teardown, in workers and at exit: once the environment goes, posting does nothing.
#pragma once

#include <napi.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace hotplugd {

// Turns a finished call's result into a JavaScript value. Holds plain C++ data only, so it may die on any thread.
using Render = std::function<Napi::Value(Napi::Env)>;

class Loop : public std::enable_shared_from_this<Loop> {
 public:
  using Task = std::function<void(Napi::Env)>;
  using Ticket = std::uint64_t;

  // JS thread. The environment's own cleanup shuts the loop; nobody needs to close it.
  static std::shared_ptr<Loop> create(Napi::Env env) {
    auto loop = std::shared_ptr<Loop>(new Loop(env));
    loop->openQueue();
    // Hooks run last in, first out: this one shuts the loop before the queue's own hook frees the queue.
    napi_add_env_cleanup_hook(env, &Loop::shut, loop.get());
    return loop;
  }

  // Any thread. Tasks run in the order in which they were posted. False: the environment is gone, the task with it.
  bool post(Task task) {
    const std::lock_guard lock(mutex_);
    if (!open_) return false;
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) napi_call_threadsafe_function(queue_, nullptr, napi_tsfn_nonblocking);
    return true;
  }

  // JS thread. A promise that keeps the process alive until it is settled.
  std::pair<Ticket, Napi::Value> promise() {
    auto deferred = Napi::Promise::Deferred::New(env_);
    if (promises_.empty()) napi_ref_threadsafe_function(env_, queue_);
    promises_.emplace(++lastTicket_, deferred);
    return {lastTicket_, deferred.Promise()};
  }

  // JS thread. Settling twice is fine: the first one counts.
  void resolve(Ticket ticket, Napi::Value value) { settle(ticket, [&](auto& deferred) { deferred.Resolve(value); }); }
  void reject(Ticket ticket, Napi::Value value) { settle(ticket, [&](auto& deferred) { deferred.Reject(value); }); }

  // JS thread. Listeners live here and not with the native object that calls them, so that they die on this thread.
  Ticket listen(Napi::Function listener) {
    listeners_.emplace(++lastTicket_, Napi::Persistent(listener));
    return lastTicket_;
  }
  void unlisten(Ticket ticket) { listeners_.erase(ticket); }

  // JS thread. Does nothing for a listener that is gone.
  void tell(Ticket ticket, const std::initializer_list<napi_value>& arguments) {
    const auto found = listeners_.find(ticket);
    if (found == listeners_.end()) return;
    // The listener may end its own subscription while it runs.
    const Napi::Function listener = found->second.Value();
    listener.Call(arguments);
  }

 private:
  explicit Loop(Napi::Env env) : env_(env) {}

  void openQueue() {
    const auto name = Napi::String::New(env_, "hotplugd");
    // The queue keeps the loop alive until the queue itself is freed.
    auto* keep = new std::shared_ptr<Loop>(shared_from_this());
    const auto status = napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, keep, &Loop::freed, this,
                                                        &Loop::drain, &queue_);
    if (status != napi_ok) {
      delete keep;
      throw Napi::Error::New(env_, "cannot open the way back to the event loop");
    }
    napi_unref_threadsafe_function(env_, queue_);
    open_ = true;
  }

  template <typename Act>
  void settle(Ticket ticket, Act act) {
    const auto found = promises_.find(ticket);
    if (found == promises_.end()) return;
    auto deferred = found->second;
    promises_.erase(found);
    if (promises_.empty()) napi_unref_threadsafe_function(env_, queue_);
    act(deferred);
  }

  static void drain(napi_env env, napi_value, void* context, void*) {
    if (env == nullptr) return;
    auto* loop = static_cast<Loop*>(context);
    std::deque<Task> tasks;
    {
      const std::lock_guard lock(loop->mutex_);
      tasks.swap(loop->tasks_);
    }
    for (auto& task : tasks) run(env, task);
  }

  static void run(Napi::Env env, Task& task) {
    const Napi::HandleScope scope(env);
    try {
      task(env);
    } catch (const Napi::Error& error) {
      // A listener threw: that is the program's bug, and it must be as loud as one thrown in JavaScript.
      raise(env, error);
    }
  }

  // In a worker that is being terminated nothing can be called any more, not even to look at the error.
  static void raise(Napi::Env env, const Napi::Error& error) noexcept {
    try {
      napi_fatal_exception(env, error.Value());
    } catch (const Napi::Error&) {
    }
  }

  static void shut(void* raw) {
    auto* loop = static_cast<Loop*>(raw);
    std::deque<Task> dropped;
    {
      const std::lock_guard lock(loop->mutex_);
      loop->open_ = false;
      dropped.swap(loop->tasks_);
    }
    loop->promises_.clear();
    loop->listeners_.clear();
    napi_release_threadsafe_function(loop->queue_, napi_tsfn_abort);
  }

  static void freed(napi_env, void* keep, void*) { delete static_cast<std::shared_ptr<Loop>*>(keep); }

  const Napi::Env env_;
  std::mutex mutex_;
  bool open_ = false;
  std::deque<Task> tasks_;
  napi_threadsafe_function queue_ = nullptr;
  // JS thread only:
  Ticket lastTicket_ = 0;
  std::unordered_map<Ticket, Napi::Promise::Deferred> promises_;
  std::unordered_map<Ticket, Napi::FunctionReference> listeners_;
};

}  // namespace hotplugd
