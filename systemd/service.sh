# The service, where systemd runs this host; below a prefix nothing is done.

has_systemd() { [ -z "$PREFIX" ] && [ -d /run/systemd/system ]; }

reload_units() {
  ! has_systemd || systemctl daemon-reload
}

prepare_service() {
  if has_systemd; then
    systemd-sysusers hotplugd.conf
    systemd-tmpfiles --create hotplugd.conf
  elif [ -z "$PREFIX" ] && ! getent group hotplugd >/dev/null; then
    groupadd --system hotplugd
  fi
  reload_units
}

start_service() {
  prepare_service
  if has_systemd; then
    systemctl --quiet enable hotplugd.service
    restart_or_go_back restart
  fi
  finish installed
  has_systemd || [ -n "$PREFIX" ] || say 'systemd does not run this host: start /usr/local/bin/hotplugd --config /etc/hotplugd/config.yaml yourself.'
}

# A service that somebody stopped stays stopped.
restart_service() {
  prepare_service
  ! has_systemd || restart_or_go_back try-restart
  finish upgraded
}

# Type=notify: systemctl returns once the new agent has started.
restart_or_go_back() {
  ! systemctl "$1" hotplugd.service || return 0
  [ -n "$PREVIOUS" ] || fail 'the service does not start.' 'See: systemctl status hotplugd; journalctl -u hotplugd'
  lead_to "$PREVIOUS"
  systemctl restart hotplugd.service || true
  drop_other_releases
  fail 'the new release does not start; the one before is back.' 'See: journalctl -u hotplugd'
}

stop_service() {
  ! has_systemd || systemctl --quiet disable --now hotplugd.service 2>/dev/null || true
}

finish() {
  drop_other_releases
  say "$1: $("$PREFIX$HOME_DIR/current/bin/hotplugd" --version)"
}
