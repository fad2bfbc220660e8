package metrics

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func sample() []Family {
	calls := Family{Name: "lwio_rpc_calls_total", Help: "Calls\nof \\ operations.", Type: Counter}
	calls.Add(3, "interface", "srvsvc", "operation", `a"b\c`+"\n")
	calls.Add(0, "interface", "lsarpc", "operation", "")
	up := Family{Name: "lwio_up", Help: "Up.", Type: Gauge}
	up.Add(-1.5)
	h := Family{Name: "lwio_seconds", Help: "Seconds.", Type: Histogram}
	h.AddHistogram([]float64{0.001, 0.1}, []uint64{1, 0, 4}, 2.25, "op", "x")
	h.AddHistogram([]float64{0.001, 0.1}, []uint64{0, 0, 0}, 0, "op", "y")
	return []Family{calls, up, h}
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	text := Append(nil, append(want, Family{Name: "lwio_none", Type: Counter}))
	got, err := Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, line := range []string{`lwio_rpc_calls_total{interface="srvsvc",operation="a\"b\\c\n"} 3`, `# HELP lwio_rpc_calls_total Calls\nof \\ operations.`,
		`lwio_seconds_bucket{op="x",le="+Inf"} 5`, `lwio_seconds_bucket{op="x",le="0.1"} 1`, `lwio_seconds_sum{op="x"} 2.25`, `lwio_seconds_count{op="x"} 5`, "lwio_up -1.5"} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	head := "# HELP a A.\n# TYPE a "
	for text, why := range map[string]string{
		head + "counter\na 1":                             "does not end",
		"a 1\n":                                           "before the first TYPE",
		head + "counter\n":                                "no samples",
		head + "summary\na 1\n":                           "type",
		head + "counter\nb 1\n":                           "not of the family",
		head + "counter\na -1\n":                          "is -1",
		head + "counter\na NaN\n":                         "is NaN",
		head + "counter\na 0x1p4\n":                       "no number",
		head + "counter\na 1 1700000000\n":                "a blank and a value",
		head + "counter\na{b=\"c\" 1\n":                   "want a comma",
		head + "counter\na{b=\"c} 1\n":                    "does not end",
		head + "counter\na{b=\"c\",b=\"d\"} 1\n":          "label",
		head + "counter\na{1b=\"c\"} 1\n":                 "label",
		head + "counter\na{b=\"\\x\"} 1\n":                "escape",
		head + "counter\na 1\na 2\n":                      "second time",
		head + "counter\na 1\n" + head + "counter\na 2\n": "second time",
		"# HELP a A.\n# TYPE b counter\nb 1\n":            "TYPE of",
		"# TYPE a counter\na 1\n":                         "TYPE of",
		"\n":                                              "neither",
		head + "counter\na 1\xff\n":                       "not UTF-8",
		head + "histogram\na 1\n":                         "not of the family",
		head + "histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n": "do not grow",
		head + "histogram\na_bucket{le=\"1\"} 2\na_sum 1\na_count 2\n":                          "not that of its last bucket",
		head + "histogram\na_bucket{le=\"+Inf\"} 2\na_count 2\n":                                "lacks a sum",
	} {
		if f, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v %v, want %s", text, f, err, why)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Append(nil, sample()))
	f.Add([]byte("# HELP a A.\n# TYPE a gauge\na{b=\"\\\\\"} +Inf\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(Append(nil, list))
		if err != nil {
			t.Fatalf("what was read is not read again: %v\n%s", err, text)
		}
		for i := range list {
			for j := range list[i].Samples {
				a, b := &list[i].Samples[j], &again[i].Samples[j]
				if math.IsNaN(a.Value) && math.IsNaN(b.Value) {
					a.Value, b.Value = 0, 0
				}
			}
		}
		if !reflect.DeepEqual(list, again) {
			t.Errorf("%+v\n%+v", list, again)
		}
	})
}

func TestServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	fail := false
	go func() {
		done <- Serve(ctx, l, func(context.Context) ([]byte, error) {
			if fail {
				return nil, errors.New("no")
			}
			return Append(nil, sample()), nil
		})
	}()
	get := func(path string) (int, string, string) {
		r, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, r.Header.Get("Content-Type"), string(b)
	}
	code, typ, body := get("/metrics")
	if _, err := Parse([]byte(body)); code != 200 || typ != ContentType || err != nil {
		t.Errorf("%d %s %v", code, typ, err)
	}
	if code, _, _ := get("/"); code != 404 {
		t.Error(code)
	}
	fail = true
	if code, _, _ := get("/metrics"); code != 500 {
		t.Error(code)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
