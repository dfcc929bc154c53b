package aster_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

const (
	vectorNonce = 1748310859508867
	vectorOrder = "symbol=ASTERUSDT&type=LIMIT&side=BUY&timeInForce=GTC&quantity=20&price=0.5"
	vectorTail  = "&nonce=1748310859508867&signer=" + demoAddr

	sigA    = "0xd82a6784f5eff00b95ecb88145cf7a5fa6803ea6f67e0217262073da628750a742bb3ba555af418320e55029afe358957808d4f810d73ea663d9c91852cd6d941c"
	sigA714 = "0x798abbc1eb6244bdf530e3890383494679aecf574a0d65cd79ed48b151df2e182cafc9a2b055701c9c0dbc091898f6c3eae29307ca554f3ab97c8b860de35bef1c"
	sigB    = "0x0a56c5923ebf3524475c5f631940ec4c0e41dbd300ad28198d1915d8f3ca49ce26fd1aeb8b0c3079133595da0de38322ae7e860e0c76d032c4a491d27c1430b01c"
	sigC    = "0xcd0ea4d53d67b3aa39bb62a85fbd4b819f83f745a6eb30c6dfd31991b7b9f00a359d9be3656c8c0860e71e2416f0c06b89d7f64e291f0d7ebe71f7fb76a144c11b"
	sigD    = "0xcb797524bc07185300e55a416ad25d2dcb443d96571c5ca0200cb65811442a635871064ba611451f0623e99df7573ce6cd204ffcc5fb21ec20e693245cbe74c31c"
	sigE    = "0xb7fe1961a997fb3fab846eadbfb0cbf0297029df88d0b5f5f1f738f10f8bbd337a5baeda44397cb37248146bec810048988a5597bb841de18d298dbc1b8994201b"
	sigF    = "0x041736d12da8ea395589cd92dd31f8483e53fbcc89f553cfdbd905478bc2eed74118d5b5646af7a77585285893cea6cb4fa00482903e299363cb1ff235ad041c1b"
)

// The vectors were computed with ethers, go-ethereum and decred, which agree.
func TestAgentSignsEveryVector(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		chainID    int64
		text, want string
	}{
		"A mainnet":             {1666, vectorOrder + vectorTail, sigA},
		"A testnet":             {714, vectorOrder + vectorTail, sigA714},
		"B with user":           {1666, vectorOrder + "&nonce=1748310859508867&user=" + demoUser + "&signer=" + demoAddr, sigB},
		"C no parameters":       {1666, strings.TrimPrefix(vectorTail, "&"), sigC},
		"D order of url.Values": {1666, "nonce=1748310859508867&price=0.5&quantity=20&side=BUY&signer=" + demoAddr + "&symbol=ASTERUSDT&timeInForce=GTC&type=LIMIT", sigD},
		"E empty":               {1666, "", sigE},
		"F escapes":             {1666, "a=%2B%26%3D&b=hello+world&nonce=1&signer=0xAb", sigF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, demoAgent(t, "", tc.chainID).Signature(tc.text))
		})
	}
}

func TestAgentHashesEveryVector(t *testing.T) {
	t.Parallel()
	for chainID, want := range map[int64]struct{ domain, digest string }{
		1666: {"0xa95d0a7a6f3f17fcebb0c2336645385ce79cde7523f71ab147fdb7f15e9f37f9", "0xed6fe2804fb7a74d857c73d838ce3722b0f44d2c023c24bca0acb2bdf0d56267"},
		714:  {"0xfad01b07bed5729a04dbb977fd86da612eba71d668660bf12cf10b3d65b74d94", "0x9dcd200534ea4cd58f431d0445a26170e5d4c436e4f0e30317cbe98916285c58"},
	} {
		agent := demoAgent(t, "", chainID)
		require.Equal(t, want.domain, agent.Domain(), "chain %d", chainID)
		require.Equal(t, want.digest, agent.Digest(vectorOrder+vectorTail), "chain %d", chainID)
	}
}

func TestSignMakesTheVectorsFromTheirParameters(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(vectorNonce)
	for name, tc := range map[string]struct{ user, params, want string }{
		"A": {"", vectorOrder, vectorOrder + vectorTail + "&signature=" + sigA},
		"B": {demoUser, vectorOrder, vectorOrder + "&nonce=1748310859508867&user=" + demoUser + "&signer=" + demoAddr + "&signature=" + sigB},
		"C": {"", "", strings.TrimPrefix(vectorTail, "&") + "&signature=" + sigC},
	} {
		got, err := demoAgent(t, tc.user, 0).Sign(tc.params, at)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, got.Params, name)
		require.Empty(t, got.Header, name)
	}
}

func TestAgentKnowsItsAddressAndInterface(t *testing.T) {
	t.Parallel()
	agent := demoAgent(t, "", 0)
	require.Equal(t, demoAddr, agent.Address())
	require.Equal(t, aster.APIV3, agent.API())
	require.Equal(t, "agent "+demoAddr, agent.String())
}

// The four all-caps and mixed examples that EIP-55 itself gives.
func TestUserIsCheckedByItsChecksum(t *testing.T) {
	t.Parallel()
	sign := func(user string) (string, error) {
		agent, err := aster.NewAgent(aster.AgentConfig{Key: secret.New(demoKey), User: user})
		if err != nil {
			return "", err
		}
		signed, err := agent.Sign("", time.UnixMicro(1))
		_, rest, _ := strings.Cut(signed.Params, "user=")
		got, _, _ := strings.Cut(rest, "&")
		return got, err
	}
	for _, address := range []string{
		"0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		for _, form := range []string{address, strings.ToLower(address), "0x" + strings.ToUpper(address[2:])} {
			got, err := sign(form)
			require.NoError(t, err)
			require.Equal(t, address, got, "%s is sent with its checksum", form)
		}
	}
	for text, want := range map[string]string{
		"0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed":   "mistyped",
		"5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":     "must be an address",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA":     "must be an address",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedff": "must be an address",
		"0xzzAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":   "must be an address",
		demoAddr: "the one of User, the main wallet",
	} {
		_, err := sign(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestAgentRefusesBadKeysWithoutShowingThem(t *testing.T) {
	t.Parallel()
	const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141" // of the curve
	for key, want := range map[string]string{
		"":                      "Key must be set",
		"hunter2hunter2":        "64 hexadecimal digits",
		demoKey + "0":           "64 hexadecimal digits",
		demoKey + "00":          "64 hexadecimal digits",
		demoKey[:64]:            "64 hexadecimal digits",
		"zz" + demoKey[4:]:      "64 hexadecimal digits",
		strings.Repeat("0", 64): "between 1 and the order",
		order:                   "between 1 and the order",
		strings.Repeat("f", 64): "between 1 and the order",
	} {
		_, err := aster.NewAgent(aster.AgentConfig{Key: secret.New(key), ChainID: -7})
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "ChainID must be positive, was -7", "all problems at once")
		if key != "" {
			require.NotContains(t, err.Error(), key)
		}
	}
	for _, form := range []string{demoKey[2:], strings.ToUpper(demoKey[2:]), "0X" + demoKey[2:]} {
		agent, err := aster.NewAgent(aster.AgentConfig{Key: secret.New(form)})
		require.NoError(t, err)
		require.Equal(t, demoAddr, agent.Address())
	}
}

// Whatever is signed, anybody can recover the agent from it, and s is low.
func TestSignatureRecoversToTheAgent(t *testing.T) {
	t.Parallel()
	agent := demoAgent(t, "", 0)
	half := new(big.Int).Rsh(secp256k1.Params().N, 1)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var digest, signature []byte
		_, err := fmt.Sscanf(agent.Digest(text)+" "+agent.Signature(text), "0x%x 0x%x", &digest, &signature)
		if err != nil || len(signature) != 65 {
			t.Fatalf("signature %x: %v", signature, err)
		}
		key, _, err := ecdsa.RecoverCompact(append([]byte{signature[64]}, signature[:64]...), digest)
		if err != nil || new(big.Int).SetBytes(signature[32:64]).Cmp(half) > 0 {
			t.Fatalf("signature %x: %v", signature, err)
		}
		var scalar secp256k1.ModNScalar
		var raw []byte
		_, _ = fmt.Sscanf(demoKey, "0x%x", &raw)
		scalar.SetByteSlice(raw)
		if !key.IsEqual(secp256k1.NewPrivateKey(&scalar).PubKey()) {
			t.Fatal("another key")
		}
	})
}
