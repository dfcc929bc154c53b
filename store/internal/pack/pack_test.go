package pack_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ballast-go/ballast/store/internal/pack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUnpackReturnsWhatWasPacked(t *testing.T) {
	t.Parallel()
	p, err := pack.New()
	require.NoError(t, err)
	var wait sync.WaitGroup
	for _, text := range []string{"", "a", strings.Repeat("candles ", 1<<16)} {
		wait.Go(func() {
			packed := p.Pack([]byte(text))
			got, err := p.Unpack(packed)
			if err != nil || string(got) != text {
				t.Errorf("%d bytes came back as %d, %v", len(text), len(got), err)
			}
		})
	}
	wait.Wait()
	require.Less(t, len(p.Pack(bytes.Repeat([]byte("candles "), 1<<16))), 1<<12)
}

func TestUnpackRefusesWhatIsDamaged(t *testing.T) {
	t.Parallel()
	p, err := pack.New()
	require.NoError(t, err)
	packed := p.Pack([]byte(strings.Repeat("record ", 100)))
	for name, data := range map[string][]byte{
		"cut": packed[:len(packed)-1], "text": []byte("{}"), "flipped": append(bytes.Clone(packed[:len(packed)-1]), packed[len(packed)-1]^1),
		"too large": p.Pack(make([]byte, pack.MaxBytes+1)),
	} {
		_, err := p.Unpack(data)
		require.Error(t, err, name)
	}
}

func FuzzUnpack(f *testing.F) {
	p, err := pack.New()
	require.NoError(f, err)
	f.Add(p.Pack([]byte("a record")))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := p.Unpack(data)
		if err == nil && len(out) > pack.MaxBytes {
			t.Fatal("longer than the bound")
		}
	})
}
