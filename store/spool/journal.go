package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/ballast-go/ballast/internal/durable"
)

// A journal is a run of frames: magic, length of the payload, its CRC-32C,
// payload. Numbers are 4 bytes, big-endian.
const (
	magic      = "BSP1"
	headBytes  = 12
	maxPayload = 32 << 20 // compressed: far above any record
)

// ErrCorrupt says that a journal was changed by somebody else: a frame in its
// middle is damaged. A torn end, which a crash leaves, is not that: it was
// never promised to anybody and is cut off.
var ErrCorrupt = errors.New("spool: the journal is damaged")

func castagnoli(payload []byte) uint32 {
	return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli))
}

// file is what a journal is written to.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// journal is a file of whole frames. It is not safe for concurrent use.
type journal struct {
	file file
	size int64 // of its whole frames
}

// openJournal opens or makes the file and cuts a torn end off.
func openJournal(path string) (j *journal, frames int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("spool: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	info, err := f.Stat()
	if err == nil {
		err = durable.SyncFolder(filepath.Dir(path)) // the file may be new
	}
	if err != nil {
		return nil, 0, fmt.Errorf("spool: %w", err)
	}
	j = &journal{file: f}
	for j.size < info.Size() {
		_, next, err := j.read(j.size, info.Size())
		if err != nil {
			return j, frames, j.cut(path, info.Size(), err)
		}
		j.size = next
		frames++
	}
	return j, frames, nil
}

// cut drops what follows the last whole frame, unless whole frames follow
// what is broken: then it is no torn end.
func (j *journal) cut(path string, size int64, broken error) error {
	if size-j.size > maxPayload+2*headBytes {
		return fmt.Errorf("%w: %s, byte %d: %w", ErrCorrupt, path, j.size, broken)
	}
	rest := make([]byte, size-j.size)
	if _, err := j.file.ReadAt(rest, j.size); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	for at := 1; ; at++ {
		next := bytes.Index(rest[min(at, len(rest)):], []byte(magic))
		if next < 0 {
			break
		}
		at += next
		if _, _, err := j.read(j.size+int64(at), size); err == nil {
			return fmt.Errorf("%w: %s, byte %d: %w", ErrCorrupt, path, j.size, broken)
		}
	}
	if err := errors.Join(j.file.Truncate(j.size), j.file.Sync()); err != nil {
		return fmt.Errorf("spool: cutting a torn end off %s: %w", path, err)
	}
	return nil
}

// read is the payload of the frame at an offset, and the offset of the next.
func (j *journal) read(at, size int64) (payload []byte, next int64, err error) {
	var head [headBytes]byte
	if size-at < headBytes {
		return nil, 0, io.ErrUnexpectedEOF
	}
	if _, err := j.file.ReadAt(head[:], at); err != nil {
		return nil, 0, err
	}
	n := int64(binary.BigEndian.Uint32(head[4:]))
	switch {
	case string(head[:4]) != magic:
		return nil, 0, errors.New("no frame begins here")
	case n > maxPayload:
		return nil, 0, fmt.Errorf("a frame must have at most %d bytes, says %d", maxPayload, n)
	case n > size-at-headBytes:
		return nil, 0, io.ErrUnexpectedEOF
	}
	payload = make([]byte, n)
	if _, err := j.file.ReadAt(payload, at+headBytes); err != nil {
		return nil, 0, err
	}
	if castagnoli(payload) != binary.BigEndian.Uint32(head[8:]) {
		return nil, 0, errors.New("the checksum of a frame is wrong")
	}
	return payload, at + headBytes + n, nil
}

// frame is the payload as it stands in a journal.
func frame(payload []byte) []byte {
	b := make([]byte, 0, headBytes+len(payload))
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload))) //nolint:gosec // at most maxPayload
	b = binary.BigEndian.AppendUint32(b, castagnoli(payload))
	return append(b, payload...)
}

// add writes a frame through to the disk. After an error the journal is as it
// was; when even that fails, the error says so by errBroken.
func (j *journal) add(payload []byte) error {
	data := frame(payload)
	_, err := j.file.WriteAt(data, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		if undo := errors.Join(j.file.Truncate(j.size), j.file.Sync()); undo != nil {
			return errors.Join(errBroken, err, undo)
		}
		return err
	}
	j.size += int64(len(data))
	return nil
}

var errBroken = errors.New("the journal may hold a part of a record")

// empty removes every frame.
func (j *journal) empty() error {
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	j.size = 0 // whatever the sync says: a delivery may begin anew
	return j.file.Sync()
}
