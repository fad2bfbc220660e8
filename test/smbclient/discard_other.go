//go:build !linux

package smbclient

// discard passes over n bytes.
func (c *Client) discard(n int) error {
	_, err := c.rd.Discard(n)
	return err
}
