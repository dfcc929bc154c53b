package aster_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ballast-go/ballast/marketdata/aster"
)

var fixedNow = time.UnixMicro(vectorNonce)

func BenchmarkCallOverLoopback(b *testing.B) {
	url := serve(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"a":"1"}`) })
	for name, call := range map[string]aster.Call{"public": ping, "signed": {Path: "/x", Signed: true}} {
		b.Run(name, func(b *testing.B) {
			client := dialled(b, url, aster.Config{Signer: demoAgent(b, "", 0), WeightPerMinute: 100_000})
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			for b.Loop() {
				if n++; n%50_000 == 0 { // the venue grants no more in a minute
					b.StopTimer()
					client = dialled(b, url, aster.Config{Signer: demoAgent(b, "", 0), WeightPerMinute: 100_000})
					b.StartTimer()
				}
				require.NoError(b, client.Do(b.Context(), call, nil))
			}
		})
	}
}

func BenchmarkSignAgent(b *testing.B) {
	agent := demoAgent(b, demoUser, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := agent.Sign(vectorOrder, fixedNow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignHMAC(b *testing.B) {
	signer := demoHMAC(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.Sign(vectorOrder, fixedNow); err != nil {
			b.Fatal(err)
		}
	}
}
