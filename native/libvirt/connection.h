// The class that JavaScript sees: each method starts a call on the session's thread and returns its promise.
#pragma once

#include <napi.h>

#include <memory>
#include <set>

#include "error.h"
#include "loop.h"
#include "session.h"

namespace hotplugd {

class Connection : public Napi::ObjectWrap<Connection> {
 public:
  static Napi::Function define(Napi::Env env);

  // (options, listener(kind, domain, detail))
  explicit Connection(const Napi::CallbackInfo& info);
  ~Connection() override;

 private:
  // Calls under way. Outlives the object, which may be collected once it was closed.
  struct Calls {
    Connection* owner;
    std::set<Loop::Ticket> tickets;
  };
  using Work = std::function<Render(virConnectPtr)>;

  Napi::Value open(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value list(const Napi::CallbackInfo& info);
  Napi::Value observe(const Napi::CallbackInfo& info);
  Napi::Value disk(const Napi::CallbackInfo& info);
  Napi::Value xml(const Napi::CallbackInfo& info);
  Napi::Value attach(const Napi::CallbackInfo& info);
  Napi::Value detach(const Napi::CallbackInfo& info);
  Napi::Value update(const Napi::CallbackInfo& info);
  Napi::Value capacity(const Napi::CallbackInfo& info);
  Napi::Value resize(const Napi::CallbackInfo& info);
  Napi::Value monitor(const Napi::CallbackInfo& info);
  Napi::Value shutdown(const Napi::CallbackInfo& info);

  Napi::Value start(Napi::Env env, Work work);
  Session::Job job(Loop::Ticket ticket, Work work);
  void refuse(Napi::Env env, Loop::Ticket ticket, const LibvirtError& error);
  Napi::Value call(Napi::Env env, Work work);

  std::shared_ptr<Loop> loop_;
  Loop::Ticket listener_;
  std::shared_ptr<Session> session_;
  std::shared_ptr<Calls> calls_;
};

}  // namespace hotplugd
