/*
 * The yardstick: the least a program can do to plug a disk, calling libvirt straight from C. It lives as long as the bench
 * and is driven over stdin, so that its calls and the agent's take turns on the same domain.
 *
 *   yardstick URI
 *   in:  VERB<TAB>DOMAIN[<TAB>XML]      one request a line; attach, detach (both synchronous, live) or digest (of the live XML)
 *   out: {"startNs":N,"endNs":N,"digest":"…","error":null}      one answer a line, times by CLOCK_MONOTONIC
 *
 * A domain is looked up once and not within the times that are taken.
 */
#define _GNU_SOURCE
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DOMAINS = 256 };

struct known {
  char *name;
  virDomainPtr domain;
};

static virConnectPtr connection;
static struct known known[DOMAINS];
static int known_count;

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static virDomainPtr remember(const char *name) {
  virDomainPtr domain = virDomainLookupByName(connection, name);
  if (domain == NULL || known_count == DOMAINS) return domain;
  known[known_count++] = (struct known){.name = strdup(name), .domain = domain};
  return domain;
}

static virDomainPtr domain_named(const char *name) {
  for (int i = 0; i < known_count; i++) {
    if (strcmp(known[i].name, name) == 0) return known[i].domain;
  }
  return remember(name);
}

/* FNV-1a: two texts that differ by accident differ in this, too. */
static uint64_t digest_of(const char *text) {
  uint64_t hash = 14695981039346656037u;
  for (; *text != 0; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  return hash;
}

static int digest(virDomainPtr domain, uint64_t *to) {
  char *xml = virDomainGetXMLDesc(domain, 0);
  if (xml == NULL) return -1;
  *to = digest_of(xml);
  free(xml);
  return 0;
}

static int act(virDomainPtr domain, const char *verb, const char *xml, uint64_t *hash) {
  if (domain == NULL) return -1;
  if (strcmp(verb, "attach") == 0) return virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE);
  if (strcmp(verb, "detach") == 0) return virDomainDetachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE);
  return digest(domain, hash);
}

static void print_error(void) {
  const char *message = virGetLastErrorMessage();
  putchar('"');
  for (; *message != 0; message++) {
    const unsigned char c = (unsigned char)*message;
    if (c < 0x20 || c == '"' || c == '\\') printf("\\u%04x", c);
    else putchar(c);
  }
  putchar('"');
}

static void answer(char *line) {
  const char *verb = strsep(&line, "\t");
  const char *name = line == NULL ? "" : strsep(&line, "\t");
  const char *xml = line == NULL ? "" : line;
  virDomainPtr domain = domain_named(name);
  uint64_t hash = 0;
  const uint64_t start = now_ns();
  const int result = act(domain, verb, xml, &hash);
  const uint64_t end = now_ns();
  printf("{\"startNs\":%llu,\"endNs\":%llu,\"digest\":\"%016llx\",\"error\":", (unsigned long long)start,
         (unsigned long long)end, (unsigned long long)hash);
  if (result < 0) print_error();
  else printf("null");
  printf("}\n");
  fflush(stdout);
}

static void serve(void) {
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  while ((length = getline(&line, &size, stdin)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    answer(line);
  }
  free(line);
}

/* What fails is in the answer; libvirt need not say it on stderr as well. */
static void keep_quiet(void *data, virErrorPtr error) {
  (void)data;
  (void)error;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: yardstick URI\n"), 2;
  virSetErrorFunc(NULL, keep_quiet);
  connection = virConnectOpen(argv[1]);
  if (connection == NULL) return fprintf(stderr, "yardstick: %s\n", virGetLastErrorMessage()), 1;
  serve();
  for (int i = 0; i < known_count; i++) {
    virDomainFree(known[i].domain);
    free(known[i].name);
  }
  virConnectClose(connection);
  return 0;
}
