//go:build soak
package hostile
import ("testing";"strconv";"os")
func TestSoak(t *testing.T) { n,_:=strconv.Atoi(os.Getenv("N")); runMutated(t, n) }
