//go:build soak
package hostile
import ("testing";"strconv";"os";"runtime";"runtime/pprof")
func TestSoak(t *testing.T) { n,_:=strconv.Atoi(os.Getenv("N"))
 t.Cleanup(func(){ })
 h := start(t, nil)
 for i, p := range phases {
  if f:=os.Getenv("P"); f!="" && f!=p.name { continue }
  t.Run(p.name, func(t *testing.T){ h.t=t; h.run(p, n*p.share/100, seed(t)+uint64(i)<<32)
   runtime.GC(); runtime.GC()
   var m runtime.MemStats; runtime.ReadMemStats(&m); t.Logf("heap inuse %d alloc %d objects %d", m.HeapInuse, m.HeapAlloc, m.HeapObjects)
   f,_:=os.Create("/tmp/hostile-heap."+p.name); pprof.WriteHeapProfile(f); f.Close()
  })
  h.t = t
 }
}
