// Package spool keeps what a target cannot deliver yet in files: blocks of messages, read back in their order. It knows
// bytes, and nothing of syslog.
//
// A spool is a folder of its own, which one process at a time owns (the file `lock` is flocked). It holds segments,
// 000000000012.seg, whose numbers only grow and are never used twice; the file `cursor`, up to which all is delivered;
// and 000000000012.seg.bad, what was damaged in a segment. Integers are little-endian.
//
// A segment is records, one behind the other. A record is
//
//	 0  magic     8 bytes, 89 "slsp" 0d 0a 1a
//	 8  segment   8, its number
//	16  offset    8, of this header in the segment
//	24  count     4, messages
//	28  paths     4, bytes
//	32  text      4, bytes
//	36  body      4, the CRC-32C of what follows the header
//	40  kind      4, 0 for a record, 1 for a seal
//	44  header    4, the CRC-32C of the 44 bytes before
//	48  ends      4 * count, where each message ends in the text
//	    paths     as the owner gave it
//	    text      each message and one byte of delimiter
//
// Segment and offset are in the header so that nothing else can pass for a record when one is looked for behind damage:
// neither blocks of the disk that held an older segment, nor a header that a sender wrote into a message.
//
// A full segment, or one that was closed, ends in a seal: a header without a body whose count is that of the messages in
// the whole segment. So opening a large spool reads 48 bytes of most segments. A segment is only appended to by the process
// that began it; one without a seal, as a crash leaves it, is read header by header, and its torn tail cut.
//
// The cursor file has two slots, at 0 and 4096, which are written in turn:
//
//	 0  magic     8 bytes, 89 "slcu" 0d 0a 1a
//	 8  sequence  8, the higher one counts
//	16  segment   8
//	24  offset    8
//	32  check     4, the CRC-32C of the 32 bytes before
//
// They are written in place, not beside and renamed: that needs no room on a disk which the spool itself may have filled,
// and no commit of the file system's journal. Each has a page to itself, so that a torn write takes one of them at most;
// the other is one step older, and some records come twice.
//
// A segment that is gone was delivered or dropped; so a spool can always begin with the oldest segment there is, whatever
// the cursor says, and never skips anything that the cursor does not stand behind.
package spool
