package config

import (
	"strconv"

	"github.com/pelletier/go-toml/v2/unstable"
)

// place notes where the rules of the policy stand in the file, so that what is wrong with one, and what one decides, can be found.
func (c *Config) place(path string, text []byte) {
	var p unstable.Parser
	p.Reset(text)
	at := func(n *unstable.Node) (line, column string) {
		it := n.Key()
		if !it.Next() {
			return "", ""
		}
		s := p.Shape(it.Node().Raw).Start
		return strconv.Itoa(s.Line), strconv.Itoa(s.Column)
	}
	rule := -1
	inRule := false
	for p.NextExpression() {
		n := p.Expression()
		switch n.Kind {
		case unstable.ArrayTable, unstable.Table:
			if inRule = n.Kind == unstable.ArrayTable && key(n) == "rpc.policy"; !inRule {
				continue
			}
			if rule++; rule >= len(c.RPC.Policy) {
				return
			}
			line, _ := at(n)
			c.RPC.Policy[rule].Place = path + ":" + line
			c.RPC.Policy[rule].places = map[string]string{}
		case unstable.KeyValue:
			if inRule {
				line, column := at(n)
				c.RPC.Policy[rule].places[key(n)] = path + ":" + line + ":" + column
			}
		}
	}
	for i := range c.RPC.Policy { // written in another way, as an array of inline tables
		if r := &c.RPC.Policy[i]; r.Place == "" {
			r.Place = path + ", rule " + strconv.Itoa(i+1)
		}
	}
}

// key is the dotted key of a table or a setting.
func key(n *unstable.Node) string {
	out := ""
	for it := n.Key(); it.Next(); {
		if out != "" {
			out += "."
		}
		out += string(it.Node().Data)
	}
	return out
}
