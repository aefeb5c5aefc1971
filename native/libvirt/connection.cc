#include "connection.h"

#include <utility>

#include "calls.h"
#include "error.h"
#include "runtime.h"
#include "values.h"

namespace hotplugd {

namespace {

Render nothing() {
  return [](Napi::Env env) { return env.Undefined(); };
}

// A null where there is nothing, the converted value otherwise.
template <typename T, typename Convert>
Render orNull(std::optional<T> found, Convert convert) {
  return [found = std::move(found), convert](Napi::Env env) -> Napi::Value {
    if (!found) return env.Null();
    return convert(env, *found);
  };
}

EventSink sinkFor(const std::shared_ptr<Loop>& loop, Loop::Ticket listener) {
  return [loop, listener](Event event) {
    loop->post([loop, listener, event = std::move(event)](Napi::Env env) {
      loop->tell(listener, {Napi::String::New(env, event.kind), Napi::String::New(env, event.domain),
                            Napi::String::New(env, event.detail)});
    });
  };
}

// By UUID where one is given, otherwise by name.
FindDomain finding(const std::shared_ptr<Session>& session, virConnectPtr connection, const std::string& name,
                   const std::string& uuid) {
  if (uuid.empty()) return [=] { return domainNamed(connection, name); };
  return [=] { return session->domain(uuid); };
}

// How a call ended, as plain data that may cross threads.
struct Outcome {
  Render result;
  std::optional<LibvirtError> error;
};

Outcome run(const std::function<Render(virConnectPtr)>& work, virConnectPtr connection) noexcept {
  try {
    return {work(connection), std::nullopt};
  } catch (const LibvirtError& error) {
    return {nullptr, error};
  } catch (const std::exception& error) {
    return {nullptr, LibvirtError("HOTPLUGD_INTERNAL", error.what())};
  }
}

LibvirtError closedError() { return {"HOTPLUGD_CLOSED", "the connection to libvirt was closed", true}; }

}  // namespace

Napi::Function Connection::define(Napi::Env env) {
  return DefineClass(env, "Connection",
                     {InstanceMethod<&Connection::open>("open"), InstanceMethod<&Connection::close>("close"),
                      InstanceMethod<&Connection::list>("list"), InstanceMethod<&Connection::observe>("observe"),
                      InstanceMethod<&Connection::disk>("disk"), InstanceMethod<&Connection::xml>("xml"),
                      InstanceMethod<&Connection::attach>("attach"), InstanceMethod<&Connection::detach>("detach"),
                      InstanceMethod<&Connection::update>("update"), InstanceMethod<&Connection::capacity>("capacity"),
                      InstanceMethod<&Connection::resize>("resize"), InstanceMethod<&Connection::monitor>("monitor"),
                      InstanceMethod<&Connection::shutdown>("shutdown")});
}

Connection::Connection(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Connection>(info), loop_(*info.Env().GetInstanceData<std::shared_ptr<Loop>>()) {
  auto options = toSessionOptions(info[0]);
  if (!info[1].IsFunction()) throw Napi::TypeError::New(info.Env(), "expected a listener");
  startLibvirt();
  listener_ = loop_->listen(info[1].As<Napi::Function>());
  session_ = std::make_shared<Session>(std::move(options), sinkFor(loop_, listener_));
  calls_ = std::make_shared<Calls>(Calls{this, {}});
}

// Reached by collection and at the end of the environment, also after a constructor that threw.
Connection::~Connection() {
  if (session_) session_->close();
}

Napi::Value Connection::start(Napi::Env env, Work work) {
  auto [ticket, promise] = loop_->promise();
  calls_->tickets.insert(ticket);
  Ref();
  try {
    if (!session_->enqueue(job(ticket, std::move(work)))) refuse(env, ticket, closedError());
  } catch (const LibvirtError& error) {
    refuse(env, ticket, error);
  }
  return promise;
}

Session::Job Connection::job(Loop::Ticket ticket, Work work) {
  return [loop = loop_, calls = calls_, ticket, work = std::move(work)](virConnectPtr connection) {
    auto outcome = run(work, connection);
    loop->post([loop, calls, ticket, outcome = std::move(outcome)](Napi::Env env) {
      // Not there any more: close() has settled it.
      if (calls->tickets.erase(ticket) == 0) return;
      calls->owner->Unref();
      if (outcome.error) return loop->reject(ticket, fromError(env, *outcome.error));
      loop->resolve(ticket, outcome.result(env));
    });
  };
}

void Connection::refuse(Napi::Env env, Loop::Ticket ticket, const LibvirtError& error) {
  if (calls_->tickets.erase(ticket) == 0) return;
  Unref();
  loop_->reject(ticket, fromError(env, error));
}

Napi::Value Connection::call(Napi::Env env, Work work) {
  return start(env, [work = std::move(work)](virConnectPtr connection) {
    if (connection == nullptr) throw LibvirtError("HOTPLUGD_NOT_OPEN", "the connection is not open", true);
    return work(connection);
  });
}

Napi::Value Connection::open(const Napi::CallbackInfo& info) {
  return start(info.Env(), [session = session_](virConnectPtr) {
    session->connect();
    return nothing();
  });
}

void Connection::close(const Napi::CallbackInfo& info) {
  session_->close();
  loop_->unlisten(listener_);
  const auto tickets = calls_->tickets;
  for (const auto ticket : tickets) refuse(info.Env(), ticket, closedError());
}

Napi::Value Connection::list(const Napi::CallbackInfo& info) {
  return call(info.Env(), [](virConnectPtr connection) -> Render {
    return [names = listDomains(connection)](Napi::Env env) { return fromNames(env, names); };
  });
}

Napi::Value Connection::observe(const Napi::CallbackInfo& info) {
  return call(info.Env(), [name = toText(info[0]), whereabouts = Whereabouts{toTexts(info[1]), toPids(info[2])}](virConnectPtr connection) {
    return orNull(hotplugd::observe(connection, name, whereabouts), fromSnapshot);
  });
}

Napi::Value Connection::disk(const Napi::CallbackInfo& info) {
  return call(info.Env(), [session = session_, name = toText(info[0]), alias = toText(info[1]),
                           uuid = toText(info[2])](virConnectPtr connection) {
    return orNull(liveDisk(finding(session, connection, name, uuid), alias), fromDisk);
  });
}

Napi::Value Connection::xml(const Napi::CallbackInfo& info) {
  return call(info.Env(), [name = toText(info[0]), scope = toScope(info[1])](virConnectPtr connection) -> Render {
    return [xml = domainXml(connection, name, scope)](Napi::Env env) { return Napi::String::New(env, xml); };
  });
}

Napi::Value Connection::attach(const Napi::CallbackInfo& info) {
  return call(info.Env(), [session = session_, name = toText(info[0]), xml = toText(info[1]),
                           expected = toExpectedDisk(info[2]), scope = toScope(info[3]),
                           uuid = toText(info[4])](virConnectPtr connection) {
    hotplugd::attach(finding(session, connection, name, uuid), xml, expected, scope);
    return nothing();
  });
}

Napi::Value Connection::detach(const Napi::CallbackInfo& info) {
  return call(info.Env(), [name = toText(info[0]), expected = toExpectedDisk(info[1]),
                           scope = toScope(info[2])](virConnectPtr connection) {
    hotplugd::detach(connection, name, expected, scope);
    return nothing();
  });
}

Napi::Value Connection::update(const Napi::CallbackInfo& info) {
  return call(info.Env(),
              [name = toText(info[0]), xml = toText(info[1]), scope = toScope(info[2])](virConnectPtr connection) {
                hotplugd::update(connection, name, xml, scope);
                return nothing();
              });
}

Napi::Value Connection::capacity(const Napi::CallbackInfo& info) {
  return call(info.Env(), [name = toText(info[0]), target = toText(info[1])](virConnectPtr connection) {
    return orNull(hotplugd::capacity(connection, name, target), [](Napi::Env env, unsigned long long bytes) {
      return Napi::Number::New(env, static_cast<double>(bytes));
    });
  });
}

Napi::Value Connection::resize(const Napi::CallbackInfo& info) {
  return call(info.Env(),
              [name = toText(info[0]), target = toText(info[1]), bytes = toBytes(info[2])](virConnectPtr connection) {
                hotplugd::resize(connection, name, target, bytes);
                return nothing();
              });
}

Napi::Value Connection::monitor(const Napi::CallbackInfo& info) {
  return call(info.Env(), [name = toText(info[0]), command = toText(info[1])](virConnectPtr connection) -> Render {
    return [answer = hotplugd::monitor(connection, name, command)](Napi::Env env) {
      return Napi::String::New(env, answer);
    };
  });
}

Napi::Value Connection::shutdown(const Napi::CallbackInfo& info) {
  return call(info.Env(), [name = toText(info[0])](virConnectPtr connection) {
    hotplugd::shutdown(connection, name);
    return nothing();
  });
}

}  // namespace hotplugd
