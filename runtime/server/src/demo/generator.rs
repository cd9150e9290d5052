//! Log records in the fleet's format: some broken, some for debugging, a third Chinese, keys in any order.

use std::io::Write;

/// Makes records, the same for the same seed.
pub(super) struct Generator {
    random: fastrand::Rng,
    number: u64,
}

const TYPES: [&str; 6] = ["info", "info", "info", "debug", "error", "warn"];
const ACTIONS: [&str; 6] = [
    "login",
    "logout",
    "checkout",
    "search",
    "project/save",
    "payment",
];
const FUNCTIONS: [&str; 4] = [
    "auth.Login",
    "cart.Add",
    "project.ServiceServer.Save",
    "pay.Charge",
];
const ENGLISH: [&str; 6] = [
    "request completed",
    "upstream timeout, retrying",
    "cache miss for the user's session",
    "payment gateway said \\\"no\\\"",
    "stock reserved for the order",
    "token expired",
];
const CHINESE: [&str; 6] = [
    "请求完成",
    "上游超时,正在重试",
    "用户会话缓存未命中",
    "支付网关拒绝了请求",
    "已为订单预留库存",
    "令牌已过期",
];

/// Of 1,000 records, how many are broken.
const BROKEN_OF_1000: u32 = 5;

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            number: 0,
        }
    }

    /// Writes the next record into `value`, which is empty.
    pub(super) fn next(&mut self, value: &mut Vec<u8>) {
        self.number += 1;
        let mut fields = self.fields();
        if self.random.u8(0..4) == 0 {
            self.random.shuffle(&mut fields);
        }
        value.push(b'{');
        value.extend_from_slice(fields.join(",").as_bytes());
        value.push(b'}');
        if self.random.u32(0..1000) < BROKEN_OF_1000 {
            self.damage(value);
        }
    }

    fn fields(&mut self) -> [String; 6] {
        let second = self.number / 500;
        let (day, rest) = (18 + second / 86_400 % 10, second % 86_400);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        let messages = if self.random.u8(0..3) == 0 {
            &CHINESE
        } else {
            &ENGLISH
        };
        let random = &mut self.random;
        let mut pick = |words: &[&'static str]| words[random.usize(0..words.len())];
        let (kind, action, function) = (pick(&TYPES), pick(&ACTIONS), pick(&FUNCTIONS));
        let message = pick(messages);
        let (user, milliseconds) = (random.u32(0..1_000_000), random.u32(0..2_000));
        [
            format!(r#""Type":"{kind}""#),
            format!(r#""Action":"{action}""#),
            format!(r#""Time":"2023-01-{day:02} {hour:02}:{minute:02}:{second:02}""#),
            format!(r#""Msg":"{message}""#),
            format!(r#""Field":{{"user_id":{user},"latency_ms":{milliseconds}}}"#),
            format!(r#""FuncName":"{function}""#),
        ]
    }

    /// Makes of a sound record one that is not JSON.
    fn damage(&mut self, value: &mut Vec<u8>) {
        match self.random.u8(0..4) {
            0 => value.truncate(value.len() / 2),
            1 => value.insert(value.len() / 2, 0xff),
            2 => value.clear(),
            _ => write!(value, "}}").expect("a vector takes all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_json_but_for_the_broken_ones() {
        let (mut generator, mut value) = (Generator::new(1), Vec::new());
        let (mut broken, mut chinese) = (0, 0);
        for _ in 0..10_000 {
            value.clear();
            generator.next(&mut value);
            broken += u32::from(serde_json::from_slice::<serde_json::Value>(&value).is_err());
            chinese += u32::from(value.iter().any(|byte| !byte.is_ascii()));
        }
        // 0xff can fall between two tokens or into a string: both are refused.
        assert!((30..80).contains(&broken), "{broken}");
        assert!((2_800..4_000).contains(&chinese), "{chinese}");
    }
}
