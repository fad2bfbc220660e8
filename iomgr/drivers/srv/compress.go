package srv

import (
	"fmt"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Compression says whether messages may be compressed.
type Compression uint8

// Compression policies. Off answers every client as if no algorithm were known.
const (
	CompressionOffered Compression = iota
	CompressionOff
)

// compressionContext answers SMB2_COMPRESSION_CAPABILITIES (3.3.5.4).
func (c *conn) compressionContext(data []byte, n *negotiated, res *smb2.NegotiateResponse) nt.Status {
	offer, err := smb2.ParseCompressionCapabilities(data)
	if err != nil || len(offer.Algorithms) == 0 {
		return nt.StatusInvalidParameter
	}
	if c.srv.cfg.Compression == CompressionOff {
		return nt.StatusSuccess
	}
	var answer smb2.CompressionCapabilities
	n.compression, answer = smb2.NegotiateCompression(&offer)
	res.Contexts = append(res.Contexts, smb2.NegotiateContext{Type: smb2.ContextCompression, Data: answer.Append(nil)})
	return nt.StatusSuccess
}

// decompress gives the message in a compressed one in a buffer of its own (3.3.5.2.13). What would come out longer than a message may be
// is refused before there is one.
func (c *conn) decompress(frame []byte) (*buffer, []byte, error) {
	n, err := c.compression.CompressedSize(frame, c.frameLimit())
	if err != nil {
		return nil, nil, err
	}
	if !c.room(n) {
		return nil, nil, fmt.Errorf("%d bytes outstanding", c.bytes.Load())
	}
	buf := newBuffer(c, n+smb2.SealTailroom)
	msg := buf.b[:n:cap(buf.b)]
	if err := c.compression.Decompress(msg, frame); err != nil {
		buf.unref()
		return nil, nil, err
	}
	return buf, msg, nil
}

// wantsCompressed reports whether the data of a READ should go compressed: the client says so, or the share (3.3.5.12).
func (c *command) wantsCompressed(req *smb2.ReadRequest) bool {
	return c.conn.compression.Enabled() && c.compound == nil && (c.tree.compress || req.Flags&smb2.ReadFlagRequestCompressed != 0)
}

// compressed gives the message at outStart of buf in its compressed form if that is shorter (3.3.4.1.4). It takes over the reference and gives
// one. Header and fixed part stay as they are, so that whoever looks on sees which answer it is.
func (c *conn) compressed(buf *buffer, end int) (*buffer, int) {
	msg := buf.b[outStart:end]
	if len(msg) < smb2.CompressMin {
		return buf, end
	}
	out := newBuffer(c, outStart+len(msg)+smb2.SealTailroom)
	n, ok := c.compression.Compress(out.b[outStart:outStart+len(msg)], msg, smb2.HeaderSize+smb2.ReadResponseSize)
	if !ok {
		out.unref()
		return buf, end
	}
	buf.unref()
	return out, outStart + n
}
