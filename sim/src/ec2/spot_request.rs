//! Status codes of a one-time spot request, and the states they stand in.
//!
//! What nobody here asks for is absent: persistent requests, whose instances are stopped and started
//! again (`disabled`, `marked-for-stop`, `instance-stopped-…`, `…-by-service`); `ValidFrom`
//! (`not-scheduled-yet`); launch, zone and placement groups (`…-constraint`); fixed durations
//! (`…-by-schedule`).
//!
//! Source: EC2 User Guide, "Spot request status", 2023-06 and, for what only the bid era had,
//! 2018-02. Assumed: a launch that dies after its ids were given closes its request with
//! `system-error`, or with `limit-exceeded` where a limit on volumes killed it.

use std::fmt;

/// EC2's states of a spot request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestState {
    /// Not fulfilled yet.
    Open,
    /// It has an instance.
    Active,
    /// It was fulfilled or failed, and is over.
    Closed,
    /// It was withdrawn, or expired; its instance may run on.
    Cancelled,
    /// Its parameters were wrong.
    Failed,
}

macro_rules! status_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal in $state:ident,)*) => {
        /// EC2's status codes of a spot request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum StatusCode {
            $($(#[$doc])* $name,)*
        }

        impl StatusCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// EC2's name.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The state of a one-time request with this code; where EC2 knows two, the usual one.
            #[must_use]
            pub const fn state(self) -> RequestState {
                match self { $(Self::$name => RequestState::$state,)* }
            }
        }
    };
}

status_codes! {
    /// Its parameters are being checked.
    PendingEvaluation = "pending-evaluation" in Open,
    /// They are wrong.
    BadParameters = "bad-parameters" in Failed,
    /// The pool is empty.
    CapacityNotAvailable = "capacity-not-available" in Open,
    /// The pool is full at this price (bid era).
    CapacityOversubscribed = "capacity-oversubscribed" in Open,
    /// The max price is below the market price.
    PriceTooLow = "price-too-low" in Open,
    /// A limit on volumes is reached.
    LimitExceeded = "limit-exceeded" in Failed,
    /// `ValidUntil` has passed.
    ScheduleExpired = "schedule-expired" in Cancelled,
    /// It was withdrawn in time.
    CanceledBeforeFulfillment = "canceled-before-fulfillment" in Cancelled,
    /// EC2 failed.
    SystemError = "system-error" in Closed,
    /// Its instance is being launched.
    PendingFulfillment = "pending-fulfillment" in Open,
    /// It has its instance.
    Fulfilled = "fulfilled" in Active,
    /// Its instance will be terminated.
    MarkedForTermination = "marked-for-termination" in Active,
    /// It was withdrawn too late: the instance runs on, and costs.
    RequestCanceledAndInstanceRunning = "request-canceled-and-instance-running" in Cancelled,
    /// Outbid.
    InstanceTerminatedByPrice = "instance-terminated-by-price" in Closed,
    /// The pool needs the machine; in today's market the instance runs for two more minutes.
    InstanceTerminatedNoCapacity = "instance-terminated-no-capacity" in Closed,
    /// Too many equal bids (bid era).
    InstanceTerminatedCapacityOversubscribed =
        "instance-terminated-capacity-oversubscribed" in Closed,
    /// We ended the instance, or it itself.
    InstanceTerminatedByUser = "instance-terminated-by-user" in Closed,
}

impl StatusCode {
    /// Whether a one-time request ever goes from this code to that one.
    #[must_use]
    #[rustfmt::skip]
    pub const fn may_become(self, next: Self) -> bool {
        use StatusCode as S;
        let fails = matches!(next, S::LimitExceeded | S::SystemError);
        let withdrawn = matches!(next, S::ScheduleExpired | S::CanceledBeforeFulfillment);
        match self {
            S::PendingEvaluation => {
                next.holds() || fails || withdrawn
                    || matches!(next, S::PendingFulfillment | S::BadParameters)
            }
            S::CapacityNotAvailable | S::CapacityOversubscribed | S::PriceTooLow => {
                (next.holds() && next as u8 != self as u8) || withdrawn
                    || matches!(next, S::PendingEvaluation | S::PendingFulfillment | S::SystemError)
            }
            S::PendingFulfillment => {
                next.holds() || fails || withdrawn || matches!(next, S::Fulfilled)
            }
            S::Fulfilled => {
                next.terminated() || fails
                    || matches!(next, S::MarkedForTermination
                        | S::RequestCanceledAndInstanceRunning)
            }
            // To `fulfilled` where EC2 failed to do it.
            S::MarkedForTermination => {
                next.terminated()
                    || matches!(next, S::Fulfilled | S::RequestCanceledAndInstanceRunning)
            }
            S::BadParameters | S::LimitExceeded | S::ScheduleExpired
            | S::CanceledBeforeFulfillment | S::SystemError
            | S::RequestCanceledAndInstanceRunning | S::InstanceTerminatedByPrice
            | S::InstanceTerminatedNoCapacity | S::InstanceTerminatedCapacityOversubscribed
            | S::InstanceTerminatedByUser => false,
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self.state(), RequestState::Open | RequestState::Active)
    }

    /// Whether the request waits for something to change.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self.state(), RequestState::Open)
            && !matches!(self, Self::PendingEvaluation | Self::PendingFulfillment)
    }

    const fn terminated(self) -> bool {
        matches!(
            self,
            Self::InstanceTerminatedByPrice
                | Self::InstanceTerminatedNoCapacity
                | Self::InstanceTerminatedCapacityOversubscribed
                | Self::InstanceTerminatedByUser
        )
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect;

    use super::*;

    #[test]
    fn a_request_is_over_exactly_where_no_step_leads_on() {
        for &code in StatusCode::ALL {
            let goes_on = StatusCode::ALL.iter().any(|&next| code.may_become(next));
            assert_eq!(goes_on, !code.is_final(), "{code}");
            assert!(!code.may_become(code), "{code} is no step from itself");
        }
    }

    #[test]
    fn every_code_but_the_first_is_reached() {
        for &code in &StatusCode::ALL[1..] {
            let reached = StatusCode::ALL.iter().any(|from| from.may_become(code));
            assert!(reached, "nothing leads to {code}");
        }
    }

    #[test]
    fn what_a_reclaim_looks_like() {
        let mut told = String::new();
        let from = [StatusCode::Fulfilled, StatusCode::MarkedForTermination];
        for code in from {
            let next = StatusCode::ALL.iter().filter(|next| code.may_become(**next));
            let next: Vec<_> = next.map(|next| next.code()).collect();
            writeln!(told, "{code}:\n  {}", next.join("\n  ")).expect("a string takes all");
        }
        expect![[r#"
            fulfilled:
              limit-exceeded
              system-error
              marked-for-termination
              request-canceled-and-instance-running
              instance-terminated-by-price
              instance-terminated-no-capacity
              instance-terminated-capacity-oversubscribed
              instance-terminated-by-user
            marked-for-termination:
              fulfilled
              request-canceled-and-instance-running
              instance-terminated-by-price
              instance-terminated-no-capacity
              instance-terminated-capacity-oversubscribed
              instance-terminated-by-user
        "#]]
        .assert_eq(&told);
    }
}
