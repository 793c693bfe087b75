//! Whose an interface is, by its name: Calico names a pod's after the pod, and tunnels by fixed names.
//! Never knows which pods there are.

use crate::model::world::AddressRole;

/// What an interface of a node leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// Nothing: the machine itself sends, or where the packet goes is not decided yet.
    None,
    /// A pod.
    Workload,
    /// Other nodes, through a tunnel.
    Tunnel(AddressRole),
    /// The machine itself.
    Loopback,
    /// A wire.
    Wire,
}

/// Names of tunnels' interfaces, for IPv4 and IPv6 (FelixConfiguration).
const TUNNELS: [(&str, AddressRole); 5] = [
    ("tunl0", AddressRole::Ipip),
    ("vxlan.calico", AddressRole::Vxlan),
    ("vxlan-v6.calico", AddressRole::Vxlan),
    ("wireguard.cali", AddressRole::Wireguard),
    ("wg-v6.cali", AddressRole::Wireguard),
];

/// What a name says. `prefixes` are those of pods' interfaces, `cali` where nothing else is set.
pub fn face(name: &str, prefixes: &[String]) -> Face {
    if name.is_empty() {
        return Face::None;
    }
    if let Some((_, role)) = TUNNELS.iter().find(|(tunnel, _)| *tunnel == name) {
        return Face::Tunnel(*role);
    }
    match name {
        "lo" => Face::Loopback,
        name if prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())) => Face::Workload,
        _ => Face::Wire,
    }
}

/// The name of a pod's interface: a prefix and the first 11 digits of the SHA-1 of `NAMESPACE.NAME`
/// (libcalico-go, VethNameForWorkload).
pub fn of_pod(prefix: &str, namespace: &str, name: &str) -> String {
    let digest = sha1(format!("{namespace}.{name}").as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}{}", &digits[..11])
}

/// SHA-1 (FIPS 180-4, 6.1). Here it is a name, not a protection.
fn sha1(data: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut padded = data.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((data.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut words: Vec<u32> =
            block.chunks_exact(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
        for t in 16..80 {
            words.push((words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, word) in words.iter().enumerate() {
            let (mix, constant) = match t {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(data: &[u8]) -> String {
        sha1(data).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// FIPS 180-2, appendix A, and the empty message.
    #[test]
    fn the_digest_is_that_of_the_standard() {
        assert_eq!(hex(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hex(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        );
        assert_eq!(hex(&[b'a'; 1_000_000]), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }

    /// The article's interfaces and the pods that they belong to.
    #[test]
    fn a_pods_interface_is_named_after_it() {
        assert_eq!(of_pod("cali", "advanced-policy-demo", "nginx-6799fc88d8-zp4zj"), "calia58d9dbfdee");
        assert_eq!(of_pod("cali", "advanced-policy-demo", "nginx-6799fc88d8-xrvlz"), "califd5b7afc8b0");
    }

    #[test]
    fn names_tell_what_an_interface_leads_to() {
        let cali = ["cali".to_string()];
        for (name, expected) in [
            ("", Face::None),
            ("calia58d9dbfdee", Face::Workload),
            ("wireguard.cali", Face::Tunnel(AddressRole::Wireguard)),
            ("vxlan.calico", Face::Tunnel(AddressRole::Vxlan)),
            ("tunl0", Face::Tunnel(AddressRole::Ipip)),
            ("lo", Face::Loopback),
            ("eth0", Face::Wire),
        ] {
            assert_eq!(face(name, &cali), expected, "{name}");
        }
        assert_eq!(face("azv1234", &["azv".to_string()]), Face::Workload);
    }
}
