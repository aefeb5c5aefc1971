"""Plays the service manager: binds a unix datagram socket (argv[1], @: abstract) and prints each datagram as a line of JSON."""
import json
import socket
import sys

name = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + name[1:] if name.startswith("@") else name)
print(json.dumps("bound"), flush=True)
while True:
    print(json.dumps(listener.recv(65536).decode()), flush=True)
