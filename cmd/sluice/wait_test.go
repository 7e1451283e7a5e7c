package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// waitForChange returns when something in dir was written or made, or after a while in which nothing was: the event
// may have come before the call.
func waitForChange(dir string) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_CLOSE_WRITE); err != nil {
		return
	}
	unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(20*time.Millisecond/time.Millisecond))
}
