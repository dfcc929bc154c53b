package llm

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"time"

	"github.com/shopspring/decimal"
)

// The largest figures of one call that can be meant. A provider that reports
// more is booked with these, which exhausts any sane limit.
const (
	maxCallUSD    = 1_000_000
	maxCallTokens = 1_000_000_000
)

// BudgetConfig makes a Budget.
type BudgetConfig struct {
	Client Client // makes one call; required
	Ledger Ledger // required
	// Daily is each account's limits per UTC day; Accounts has the accounts
	// whose limits differ. One of both is required, and an account that
	// neither covers may not ask.
	Daily    Limits
	Accounts map[string]Limits
	// Prices bound what a call costs, and say what it cost when the provider
	// does not. Required for the models that accounts with a USD limit ask.
	Prices Prices
	// SettleTimeout bounds the wait for the ledger after a call, whose own
	// context may have ended; default 1 s.
	SettleTimeout time.Duration
	Logger        *slog.Logger     // budget_settle_failed at Error; default: discards
	Now           func() time.Time // chooses the day; default time.Now
}

// Budget makes a call only when its account can pay the most that it may cost:
// EstimateTokens and MaxTokens at the model's price. That is reserved before
// the call. After it the truth takes its place: what the provider says that it
// charged, or its token counts at the model's price. Counts that are missing
// are taken at their bound, as is a call that ended without an answer, unless
// it reports its usage beside the error or nothing can have been charged (it
// was refused with a 4xx or never reached). It is safe for concurrent use.
//
// What is spent and reserved never exceeds the limit by a reservation. It can
// by a settlement, when a provider charged more than the price it is known by:
// that is recorded as it is, and refuses the calls that follow.
//
// It belongs around each single call, inside a breaker and a Ladder, which
// repeat calls.
type Budget struct {
	cfg BudgetConfig
}

var _ Client = (*Budget)(nil)

// NewBudget makes a Budget, or reports every problem of cfg.
func NewBudget(cfg BudgetConfig) (*Budget, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	return &Budget{cfg: cfg}, nil
}

func (c BudgetConfig) withDefaults() BudgetConfig {
	c.Accounts = maps.Clone(c.Accounts)
	c.Prices = maps.Clone(c.Prices)
	if c.SettleTimeout == 0 {
		c.SettleTimeout = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c BudgetConfig) validate() error {
	var problems []error
	if c.Client == nil {
		problems = append(problems, errors.New("Client must be set"))
	}
	if c.Ledger == nil {
		problems = append(problems, errors.New("Ledger must be set"))
	}
	if c.Daily.isNone() && len(c.Accounts) == 0 {
		problems = append(problems, errors.New("Daily or Accounts must set a limit"))
	}
	problems = append(problems, validateLimits("Daily", c.Daily))
	for account, limits := range c.Accounts {
		problems = append(problems, validateAccount(account), validateLimits(fmt.Sprintf("Accounts[%.80q]", account), limits))
		if limits.isNone() {
			problems = append(problems, fmt.Errorf("Accounts[%.80q] must set a limit", account))
		}
	}
	if c.SettleTimeout < 0 {
		problems = append(problems, fmt.Errorf("SettleTimeout must be positive, was %v", c.SettleTimeout))
	}
	return errors.Join(append(problems, c.Prices.validate())...)
}

func validateLimits(field string, limits Limits) error {
	var problems []error
	if limits.Tokens < 0 || limits.Tokens >= maxAmountTokens {
		problems = append(problems, fmt.Errorf("%s.Tokens must be between 0 and %d, was %d", field, int64(maxAmountTokens-1), limits.Tokens))
	}
	if limits.USD.Valid {
		problems = append(problems, validateUSD(field+".USD", limits.USD.Decimal))
	}
	return errors.Join(problems...)
}

// Complete makes the call, or refuses with a *BudgetError.
func (b *Budget) Complete(ctx context.Context, req Request) (Response, error) {
	if err := ctx.Err(); err != nil {
		return Response{}, fmt.Errorf("llm: %w", err)
	}
	order, err := b.order(req)
	if err != nil {
		return Response{}, err
	}
	if err := b.cfg.Ledger.Reserve(ctx, order.reservation); err != nil {
		return Response{}, b.refused(ctx, order, err)
	}
	actual := order.reservation.Bound // also when the client panics
	defer func() { b.settle(ctx, order.reservation, actual) }()
	if err := ctx.Err(); err != nil { // while the ledger wrote
		actual = Amount{}
		return Response{}, fmt.Errorf("llm: %w", err)
	}
	resp, err := b.cfg.Client.Complete(ctx, req)
	actual = order.actual(resp, err)
	return resp, err
}

// order is what a call may cost.
type order struct {
	reservation Reservation
	model       string
	price       Price
	priced      bool
	prompt      int64 // tokens at most
	answer      int64
}

func (b *Budget) order(req Request) (order, error) {
	day := b.cfg.Now().UTC().Format(time.DateOnly)
	limits, own := b.cfg.Accounts[req.Account]
	if !own {
		limits = b.cfg.Daily
	}
	o := order{model: req.Model, prompt: int64(EstimateTokens(req)), answer: int64(req.MaxTokens)}
	o.price, o.priced = b.cfg.Prices[req.Model]
	o.reservation = Reservation{
		ID: rand.Text(), Account: req.Account, Day: day, Limits: limits, Bound: o.amount(o.prompt, o.answer),
	}
	reason := BudgetReason("")
	switch {
	case limits.isNone():
		reason = BudgetUnlimited
	case req.MaxTokens <= 0:
		reason = BudgetUnbounded
	case limits.USD.Valid && !o.priced:
		reason = BudgetUnpriced
	default:
		return o, nil
	}
	return o, &BudgetError{
		Reason: reason, Account: req.Account, Model: req.Model, Limits: limits, Asked: o.reservation.Bound, ResetsAt: nextDay(day),
	}
}

func (o order) amount(prompt, answer int64) Amount {
	amount := Amount{Tokens: prompt + answer}
	if o.priced {
		amount.USD = o.price.Cost(prompt, answer).RoundUp(usdDecimals)
	}
	return amount
}

// refused gives every refusal one type.
func (b *Budget) refused(ctx context.Context, o order, err error) error {
	if budget, ok := errors.AsType[*BudgetError](err); ok {
		known := *budget
		known.Model = o.model
		return &known
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("llm: %w", err)
	}
	return &BudgetError{
		Reason: BudgetLedger, Account: o.reservation.Account, Model: o.model, Limits: o.reservation.Limits,
		Asked: o.reservation.Bound, ResetsAt: nextDay(o.reservation.Day), Err: err,
	}
}

// actual is what the call cost, as far as that is known.
func (o order) actual(resp Response, err error) Amount {
	usage := resp.Usage
	if err != nil && usage == (Usage{}) {
		if isFree(err) {
			return Amount{}
		}
		return o.reservation.Bound
	}
	prompt, answer := o.prompt, o.answer
	if usage.PromptTokens > 0 {
		prompt = min(int64(usage.PromptTokens), maxCallTokens)
	}
	if usage.CompletionTokens > 0 {
		answer = min(int64(usage.CompletionTokens), maxCallTokens)
	}
	amount := o.amount(prompt, answer)
	if usage.CostUSD.Valid {
		amount.USD = booked(usage.CostUSD.Decimal)
	}
	if amount.Validate() != nil { // a negative cost, or a price for another order of magnitude
		return o.reservation.Bound
	}
	return amount
}

// booked is a cost as the ledger takes it: rounded up at its last decimal. It
// looks at the magnitude first, since digits are written out to compare.
func booked(cost decimal.Decimal) decimal.Decimal {
	most := decimal.NewFromInt(maxCallUSD)
	switch magnitude := int64(cost.NumDigits()) + int64(cost.Exponent()); {
	case cost.IsNegative():
		return decimal.NewFromInt(-1)
	case cost.IsZero():
		return decimal.Zero
	case magnitude > maxUSDExponent:
		return most
	case magnitude < -maxUSDExponent:
		return decimal.New(1, -usdDecimals)
	}
	return decimal.Min(cost, most).RoundUp(usdDecimals)
}

// isFree says that a failed call cannot have been charged: the provider
// refused it before any answer, or was never reached.
func isFree(err error) bool {
	if failure, ok := errors.AsType[*Error](err); ok && !failure.Partial {
		switch failure.Kind {
		case KindConfig, KindAuth, KindPayment, KindForbidden, KindRateLimited:
			return true
		case KindTimeout, KindServer, KindTransport, KindMalformed, KindModel, KindOther:
		}
		if refuses(failure.Status) {
			return true
		}
	}
	return errors.Is(err, ErrContextTooSmall) || isUnreached(err)
}

// refuses reports a status that ends a request before it is worked on: any 4xx
// but those that say that somebody stopped waiting.
func refuses(status int) bool {
	const requestTimeout, clientClosedRequest = 408, 499 // the latter is nginx's
	return status >= 400 && status < 500 && status != requestTimeout && status != clientClosedRequest
}

// isUnreached reports a connection that never carried a request: it was not
// made, or the other end's certificate was refused.
func isUnreached(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	return errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &roots)
}

// settle outlives the call's context. When it fails the reservation stays,
// which counts the call at its bound.
func (b *Budget) settle(ctx context.Context, r Reservation, actual Amount) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.cfg.SettleTimeout)
	defer cancel()
	if err := b.cfg.Ledger.Settle(ctx, r.ID, actual); err != nil {
		b.cfg.Logger.LogAttrs(ctx, slog.LevelError, "budget_settle_failed",
			slog.String("account", r.Account), slog.String("day", r.Day), slog.String("usd", actual.USD.String()),
			slog.Int64("tokens", actual.Tokens), slog.Any("error", err))
	}
}

// Balance is what the account spent today, UTC, and what is held back.
func (b *Budget) Balance(ctx context.Context, account string) (Balance, error) {
	return b.cfg.Ledger.Balance(ctx, account, b.cfg.Now().UTC().Format(time.DateOnly))
}
