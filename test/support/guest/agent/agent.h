/*
 * The guest's only program: init, loader of modules, and the agent that answers the lab over a virtio-serial port.
 * One request a line, `ID VERB ARGUMENT…`; one answer a line, `ID ok JSON` or `ID error JSON-STRING`.
 * Whenever a disk comes, goes or changes, `event JSON` is sent without being asked. C and not a shell script because under
 * emulation a fork costs milliseconds and a guest may have hundreds of disks.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1 << 18 };

/* files.c */
ssize_t read_file(const char *path, char *to, size_t size);
void write_file(const char *path, const char *text);
uint64_t read_number(const char *path);

/* answers.c: the port, -1 until it is open, and what is said there */
extern int port;
void send_line(const char *line, size_t length);
void reply(const char *id, const char *json);
void fail(const char *id, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t json_string(char *to, const char *from, size_t length);

/* disk-list.c: the disks that the kernel has announced */
bool is_disk(const char *name);
void know(const char *name);
void forget(const char *name);
void forget_all(void);
size_t read_serial(const char *name, char *to, size_t size);
size_t disk_json(char *to, const char *name);
void list_disks(const char *id);
/* Writes the path of the only disk with that serial; false after having answered that there is none, or more than one. */
bool find_disk(const char *id, const char *serial, char *path, size_t size);

/* disk-events.c */
int open_netlink(void);
void hear_kernel(int netlink);
void know_present_disks(void);

/* bytes.c */
size_t from_hex(const char *hex, char *to);
void write_bytes(const char *id, const char *path, off_t offset, const char *hex);
void read_bytes(const char *id, const char *path, off_t offset, size_t length);

/* churn.c: a writer beside everything else, to see whether the guest ever gets an I/O error */
void churn_start(const char *id, const char *serial);
void churn_report(const char *id, const char *serial, bool stop);

/* requests.c */
void obey(char *line);
