package rdr

import (
	"fmt"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Compression says what goes compressed.
type Compression uint8

// Compression policies. Under CompressionOffered the server decides, by share; under CompressionAlways what is read and written goes
// compressed wherever the server can, if that makes it shorter.
const (
	CompressionOffered Compression = iota
	CompressionAlways
	CompressionOff
)

// acceptCompression reads the server's answer to what was offered (3.2.5.2).
func (n *negotiated) acceptCompression(data []byte, cfg *Config) error {
	answer, err := smb2.ParseCompressionCapabilities(data)
	if err == nil && cfg.Compression == CompressionOff {
		err = smb2.ErrValue
	}
	if err == nil {
		n.compression, err = smb2.AcceptCompression(&answer)
	}
	if err != nil {
		return breach(nt.StatusInvalidNetworkResponse, "compression context %x: %w", data, err)
	}
	return nil
}

// compresses reports whether what an exchange carries should go compressed, there and back.
func (x *exchange) compresses() bool {
	c := x.conn
	return c.compression.Enabled() && x.tree != nil && !x.tree.pipe && (x.tree.compress || c.d.cfg.Compression == CompressionAlways)
}

// compress gives the message at outStart of buf in its compressed form if that is shorter (3.2.4.1.5); buf is then another.
func (c *conn) compress(buf *buffer, end int) (*buffer, int) {
	msg := buf.b[outStart:end]
	if len(msg) < smb2.CompressMin {
		return buf, end
	}
	out := newBuffer(end + smb2.SealTailroom)
	n, ok := c.compression.Compress(out.b[outStart:end], msg, smb2.HeaderSize+smb2.WriteRequestSize)
	if !ok {
		out.free()
		return buf, end
	}
	buf.free()
	return out, outStart + n
}

// decompress gives the message in a compressed one in a buffer of its own (3.2.5.1.10). What would come out longer than a message may be
// is refused before there is one.
func (c *conn) decompress(frame []byte) (*buffer, []byte, error) {
	n, err := c.compression.CompressedSize(frame, c.frameLimit())
	if err != nil {
		return nil, nil, fmt.Errorf("answer: %w", err)
	}
	buf := newBuffer(n)
	if err := c.compression.Decompress(buf.b[:n], frame); err != nil {
		buf.free()
		return nil, nil, fmt.Errorf("answer: %w", err)
	}
	return buf, buf.b[:n], nil
}
